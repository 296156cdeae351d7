import {
  above,
  alert,
  below,
  fires,
  growing,
  minutes,
  neat,
  on,
  series,
  silent,
  steady,
  turning,
  type AlertFacts,
  type AlertSpec,
  type GroupSpec,
} from '../../constructs/monitoring/alerts/spec.js';
import { addressLost, addressTwice } from './address-alerts.js';
import { LIMITS, SHARED } from './configuration.js';

/** Names of the alerts that watch a gateway. */
export const GATEWAY_ALERTS = [
  'GatewayDown',
  'GatewayModelWithoutNode',
  'GatewayNodeUnreachable',
  'GatewayErrors',
  'GatewayQueueLong',
  'GatewayAddressLost',
  'GatewayAddressTwice',
] as const;

const GATEWAY = { host: 'a', instance: 'a:8003', job: 'gateway' } as const;
const MODEL = { ...GATEWAY, proxy: 'm' } as const;
const NODE = { ...MODEL, server: 'n' } as const;
/** The LAN side of a node gives the same names. */
const LAN = { host: 'n', instance: 'n:8002', job: 'lan', proxy: 'm' } as const;

const LOG = on(
  '$host',
  'journalctl -u citadel-gateway -n 200',
  'shows each request: model, node, status, times; and each node that came or went',
);
const BOARD = on('a browser', 'http://DEV-OPS:3000/d/citadel-gateway', 'the dashboard of the gateway');
const NODE_LOOK = on(
  'the AI node',
  'citadel health',
  'shows which of its models answer, and how long each takes',
);
const MORNING = 'Wait for the morning, unless people complain.';

type Thresholds = AlertFacts['thresholds'];

/** What goes wrong between people and the nodes. */
export function gatewayAlerts(thresholds: Thresholds): GroupSpec {
  return {
    name: 'gateway',
    alerts: [
      down,
      withoutNode,
      unreachable,
      errors(thresholds),
      queue(thresholds),
      addressLost,
      addressTwice,
    ],
  };
}

const down = alert('GatewayDown', 'critical', {
  expr: 'up{job="gateway"} == 0',
  for: minutes(2),
  summary: 'The gateway {{ $labels.host }} does not answer',
  description: 'Its metrics cannot be read, so no one knows whether it passes requests.',
  runbook: {
    meaning: 'Whoever asks models by the gateway’s address gets no answer. The nodes themselves may be well.',
    look: [on('$host', 'systemctl status citadel-gateway', 'shows whether it runs'), LOG],
    fix: [
      on(
        '$host',
        'sudo haproxy -c -f /etc/citadel-gateway/haproxy.cfg',
        'says what is wrong with its configuration',
      ),
      on(
        '$host',
        'sudo systemctl restart citadel-gateway',
        'restarts it; requests that are under way are lost',
      ),
    ],
    escalate: 'Wake the person responsible for the models if it does not answer after one restart.',
  },
  tests: [
    fires('it does not answer', { [series('up', GATEWAY)]: steady(0) }, { labels: GATEWAY }),
    silent('it answers, and a node’s own proxy does not', {
      [series('up', GATEWAY)]: steady(1),
      [series('up', { host: 'n', instance: 'n:8002', job: 'lan' })]: steady(0),
    }),
  ],
});

const servers = (labels: Readonly<Record<string, string>>) =>
  series('haproxy_backend_active_servers', labels);

const withoutNode = alert('GatewayModelWithoutNode', 'critical', {
  expr: `haproxy_backend_active_servers{job="gateway",proxy!~"${LIMITS}|${SHARED}"} == 0`,
  for: minutes(2),
  summary: 'No node serves {{ $labels.proxy }} at the gateway {{ $labels.host }}',
  description: 'Every node of the model fails at /health: each request is answered with 503.',
  runbook: {
    meaning: 'The model is away for everybody who asks by the gateway.',
    look: [LOG, NODE_LOOK],
    fix: [
      'Start the model on one of its nodes: `citadel restart MODEL` there.',
      'If the nodes are well, see [GatewayNodeUnreachable](#gatewaynodeunreachable).',
    ],
    escalate: 'Wake the person responsible for the models if no node answers after one restart.',
  },
  tests: [
    fires('no node is ready', { [servers(MODEL)]: steady(0) }, { labels: MODEL }),
    silent('one is; limits have no node, nor has the address, nor a node’s own proxy', {
      [servers(MODEL)]: steady(1),
      [servers({ ...GATEWAY, proxy: LIMITS })]: steady(0),
      [servers({ ...GATEWAY, proxy: SHARED })]: steady(0),
      [servers(LAN)]: steady(0),
    }),
    silent('all were away for a minute', { [servers(MODEL)]: turning(0, 1, 1) }, minutes(10)),
  ],
});

const status = (value: number) => ({
  [series('haproxy_server_status', { ...NODE, state: 'UP' })]: steady(value),
});
const modelUp = (value: number) => ({
  [series('citadel_model_up', { host: 'n', instance: 'n:8000', job: 'citadel', model: 'm' })]: steady(value),
});

const unreachable = alert('GatewayNodeUnreachable', 'warning', {
  expr: [
    'label_replace(label_replace(haproxy_server_status{job="gateway",state="UP"} == 0, "model", "$1", "proxy", "(.*)"), "node", "$1", "server", "(.*)")',
    'and on (model, node) label_replace(citadel_model_up == 1, "node", "$1", "host", "(.*)")',
  ].join('\n'),
  for: minutes(5),
  summary:
    'The gateway {{ $labels.host }} does not reach {{ $labels.proxy }} on {{ $labels.server }}, which runs',
  description: 'The node says that the model answers there; at the gateway its /health fails.',
  runbook: {
    meaning: 'The other nodes carry its share. Firewall, certificate, or a LAN side that stayed closed.',
    look: [
      on(
        '$host',
        'curl -si http://NODE:PORT/health',
        'shows what the gateway gets; https where the node has a certificate',
      ),
      on('the AI node', 'systemctl status citadel-lan', 'shows whether its LAN side runs'),
    ],
    fix: [
      on(
        'the AI node',
        'sudo /opt/citadel/scripts/lan_side.py open MODEL',
        'opens the LAN side of the model',
      ),
      on(
        'where you deploy from',
        'npx citadel-iac diff NODE',
        'shows whether its firewall is the one of the inventory',
      ),
    ],
    escalate: MORNING,
  },
  tests: [
    fires(
      'the model runs and is not reached',
      { ...status(0), ...modelUp(1) },
      { labels: { ...NODE, state: 'UP', model: 'm', node: 'n' } },
    ),
    silent('it is reached', { ...status(1), ...modelUp(1) }),
    silent('it does not run, for which there is another alert', { ...status(0), ...modelUp(0) }),
  ],
});

/** Of fewer within five minutes, a few failures are no share. */
const ENOUGH = 20;

function errors({ requestErrorPercent: percent }: Thresholds): AlertSpec {
  const answers = 'haproxy_frontend_http_responses_total{job="gateway"}';
  const failed = 'haproxy_frontend_http_responses_total{job="gateway",code="5xx"}';
  const given = (bad: number, good: number) => ({
    [series('haproxy_frontend_http_responses_total', { ...MODEL, code: '5xx' })]: growing(bad),
    [series('haproxy_frontend_http_responses_total', { ...MODEL, code: '2xx' })]: growing(good),
  });
  const high = above(percent);
  return alert('GatewayErrors', 'warning', {
    expr: [
      `100 * sum by (host, proxy) (rate(${failed}[5m])) / sum by (host, proxy) (rate(${answers}[5m])) > ${percent}`,
      `and sum by (host, proxy) (increase(${answers}[5m])) > ${ENOUGH}`,
    ].join('\n'),
    for: minutes(5),
    summary:
      '{{ $value | printf "%.0f" }} % of requests for {{ $labels.proxy }} fail at the gateway {{ $labels.host }}',
    description: `More than ${percent} % of answers are 5xx, after other nodes were tried.`,
    runbook: {
      meaning: 'People get errors. The log says which node, and whether it or the gateway gave the answer.',
      look: [
        on(
          '$host',
          'journalctl -u citadel-gateway --since -10min | grep "status=5"',
          'shows the requests that failed, with node and retries',
        ),
        BOARD,
      ],
      fix: ['Restart the model on the node that the log names, or stop it there: the others take its share.'],
      escalate: MORNING,
    },
    tests: [
      fires(
        'a little too many',
        given(high, neat(100 - high)),
        { labels: { host: 'a', proxy: 'm' }, value: high },
        minutes(1),
      ),
      silent('a little fewer', given(below(percent), neat(100 - below(percent))), minutes(30)),
      silent('all of very few', given(3.8, 0), minutes(30)),
      fires(
        'all of a few more',
        given(4.2, 0),
        { labels: { host: 'a', proxy: 'm' }, value: 100 },
        minutes(5),
      ),
    ],
  });
}

function queue({ queueLength }: Thresholds): AlertSpec {
  const waiting = (labels: Readonly<Record<string, string>>) =>
    series('haproxy_backend_current_queue', labels);
  return alert('GatewayQueueLong', 'warning', {
    expr: `haproxy_backend_current_queue{job="gateway"} > ${queueLength}`,
    for: minutes(10),
    summary:
      '{{ $value | printf "%.0f" }} requests wait for {{ $labels.proxy }} at the gateway {{ $labels.host }}',
    description: `More than ${queueLength} for ten minutes: every node has as many as gateway.maxRequests allows.`,
    runbook: {
      meaning: 'Everybody waits for everybody else.',
      look: [BOARD, NODE_LOOK],
      fix: [
        'Give keys a limit (`requestsPerMinute`, `concurrent`), serve the model on another node, or raise `gateway.maxRequests`.',
      ],
      escalate: MORNING,
    },
    tests: [
      fires(
        'a little too many',
        { [waiting(MODEL)]: steady(above(queueLength)) },
        { labels: MODEL, value: above(queueLength) },
      ),
      silent('a little fewer, and a queue at a node', {
        [waiting(MODEL)]: steady(below(queueLength)),
        [waiting(LAN)]: steady(above(queueLength)),
      }),
    ],
  });
}
