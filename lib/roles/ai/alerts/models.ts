import {
  alert,
  CITADEL,
  EVENT,
  expected,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { ASK, ENGINE, matcher, MODEL_LOOK, RESTART, VLLM, WAKE } from './model-parts.js';
import { probeAlerts } from './model-probes.js';
import { LOADING, modelRecords, TOKENS } from './model-records.js';
import type { NodesFacts, WatchedModel } from './facts.js';

/** A series for each model that Prometheus has to have a target of. */
const EXPECTED = 'model:targets:expected';

/** Whether models answer. Nothing for a fleet without models. */
export function modelAlerts({
  thresholds,
  models,
}: Pick<NodesFacts, 'thresholds' | 'models'>): GroupSpec | undefined {
  const [first] = models;
  if (first === undefined) return undefined;
  const probed = models.filter((model) => model.probed);
  return {
    name: 'models',
    records: [
      ...modelRecords(models),
      ...expected(
        EXPECTED,
        models.map(({ host, name }) => ({ host, job: 'vllm', model: name })),
      ),
    ],
    alerts: [
      ...answering(thresholds.modelDownMinutes, models, first),
      ...engine(),
      ...(probed[0] === undefined ? [] : probeAlerts(thresholds, probed, probed[0])),
    ],
  };
}

function answering(down: number, models: readonly WatchedModel[], first: WatchedModel): AlertSpec[] {
  const inside = { ...CITADEL, model: first.name };
  const wanted = (host: string, model: string) => ({
    [series(EXPECTED, { host, job: 'vllm', model })]: steady(1),
  });
  const up = (host: string, model: string) => ({
    [series('up', { host, instance: `${host}:${model}`, job: 'vllm', model })]: steady(1),
  });
  const all = { ...wanted('a', 'm'), ...wanted('a', 'n'), ...wanted('b', 'm') };
  return [
    alert('ModelDown', 'critical', {
      expr: `up{job="vllm"} == 0\nunless on (host) ${LOADING}`,
      for: minutes(down),
      summary: '{{ $labels.model }} on {{ $labels.host }} does not answer',
      description: `No one gets an answer from this model for ${down} minutes, and no model of its host is loading.`,
      runbook: {
        meaning: 'The model is down, or its port is not reachable from the monitoring server.',
        look: [on('$host', 'citadel health', 'shows which models answer on the host itself'), ...MODEL_LOOK],
        fix: [
          RESTART,
          'If it ends while it loads: another process has the memory of its GPU, or its weights are not there (`/opt/citadel/scripts/storage_manager.py verify-symlinks`).',
          'If it answers on the host and not from here, it is the firewall: `npx citadel-iac diff HOST` where you deploy from.',
        ],
        escalate: WAKE,
      },
      tests: [
        fires('for too long', { [series('up', VLLM)]: steady(0) }, { labels: VLLM }),
        silent(
          'it answers, and another target does not',
          { [series('up', VLLM)]: steady(1), [series('up', NODE)]: steady(0) },
          minutes(down + 30),
        ),
        silent(
          'one model of its GPU loads, and it waits for its turn',
          { [series('up', VLLM)]: steady(0), [series(LOADING, { host: 'a' })]: steady(1) },
          minutes(down + 30),
        ),
        fires(
          'it does not come when all have loaded',
          { [series('up', VLLM)]: steady(0), [series(LOADING, { host: 'a' })]: '1x31 stale' },
          { labels: VLLM },
          minutes(32),
        ),
      ],
    }),
    alert('ModelTargetMissing', 'warning', {
      expr: `${EXPECTED}\nunless on (host, model) up{job="vllm"}`,
      for: minutes(5),
      summary: '{{ $labels.model }} on {{ $labels.host }} is not watched',
      description:
        'Prometheus has no target for a model that the inventory names: none of its alerts can fire.',
      runbook: {
        meaning: 'The monitoring server runs with a configuration that does not fit the inventory.',
        look: [on('a browser', 'http://DEV-OPS:9090/targets?search=vllm', 'lists the targets that it has')],
        fix: [on('where you deploy from', 'npx citadel-iac apply dev-ops', 'writes its configuration again')],
        escalate: 'Wait for the morning if `citadel health` is well on the host.',
      },
      tests: [
        fires(
          'one is gone; others of its host, and of its name, are there',
          { ...all, ...up('a', 'n'), ...up('b', 'm'), [series('up', { ...NODE, model: 'm' })]: steady(1) },
          { labels: { host: 'a', job: 'vllm', model: 'm' } },
        ),
        silent('all are there', { ...all, ...up('a', 'm'), ...up('a', 'n'), ...up('b', 'm') }),
      ],
    }),
    alert('ModelHung', 'critical', {
      expr: `citadel_model_up{${matcher(models)}} == 0 and on (host, model) citadel_model_service_active == 1`,
      for: minutes(5),
      summary: '{{ $labels.model }} on {{ $labels.host }} runs and does not answer',
      description: 'Its service had loaded, and no longer answers /health.',
      runbook: {
        meaning: 'The process is there and does nothing. systemd sees no reason to restart it.',
        look: [
          on(
            '$host',
            'curl -m 5 -i http://localhost:PORT/health',
            'shows whether it answers; ports stand under [Models](#models)',
          ),
          ...MODEL_LOOK,
        ],
        fix: [RESTART],
        escalate: WAKE,
      },
      tests: [
        fires(
          'it does not answer',
          {
            [series('citadel_model_up', inside)]: steady(0),
            [series('citadel_model_service_active', inside)]: steady(1),
          },
          { labels: inside },
        ),
        silent('it is still loading', {
          [series('citadel_model_up', inside)]: steady(0),
          [series('citadel_model_service_active', inside)]: steady(0),
        }),
        silent('it answers', {
          [series('citadel_model_up', inside)]: steady(1),
          [series('citadel_model_service_active', inside)]: steady(1),
        }),
      ],
    }),
    alert('ModelRestarted', 'warning', {
      ...EVENT,
      expr: 'increase(citadel_monitor_model_restarts_total[15m]) > 0',
      summary: 'The node’s monitor restarted {{ $labels.model }} on {{ $labels.host }}',
      description: 'It had not answered several times. Requests that were under way failed.',
      runbook: {
        meaning: 'The node fixed itself. Someone should know why it had to.',
        look: [on('$host', 'citadel logs monitor', 'shows why it was restarted'), MODEL_LOOK[1] ?? ASK],
        fix: ['Nothing, if it answers again: `citadel health`.'],
        escalate: 'Wait for the morning for one restart.',
      },
      tests: [
        fires(
          'once',
          { [series('citadel_monitor_model_restarts_total', inside)]: turning(0, 1, 16) },
          { labels: inside },
          minutes(16),
        ),
        {
          ...fires(
            'until people work again',
            { [series('citadel_monitor_model_restarts_total', inside)]: '0x15 1x5000' },
            { labels: inside },
            minutes(16),
          ),
          until: minutes(31),
        },
        silent('not since then', { [series('citadel_monitor_model_restarts_total', inside)]: steady(1) }),
      ],
    }),
  ];
}

/** What alerts and objectives are made of, one of each part of the engine's metrics. */
const NEEDED = [
  'vllm:num_requests_running',
  'vllm:kv_cache_usage_perc',
  'vllm:inter_token_latency_seconds_count',
] as const;
const OTHER = { ...VLLM, instance: 'a:11402', model: 'n' };

type Target = typeof VLLM | typeof OTHER;
const says = (target: Target, names: readonly string[]) => ({
  [series('up', target)]: steady(1),
  ...Object.fromEntries(
    names.map((name) => [series(name, { ...target, engine: '0', model_name: 'm' }), steady(0)]),
  ),
  ...answered(target, 0),
});
const answered = (target: Target, count: number) => ({
  [series('vllm:request_success_total', {
    ...target,
    engine: '0',
    model_name: 'm',
    finished_reason: 'stop',
  })]: steady(count),
});
const requests = (target: Target) => ({
  [series('http_requests_total', { ...target, handler: '/v1/completions', method: 'POST', status: '2xx' })]:
    steady(1),
});

const engine = (): AlertSpec[] => [
  alert('ModelMetricsMissing', 'warning', {
    // Requests are counted from the first one on.
    expr:
      'up{job="vllm"} == 1\n' +
      `unless on (host, model) (\n  ${NEEDED.join(' and on (host, model) ')}\n` +
      '  and on (host, model) (http_requests_total or sum by (host, model) (vllm:request_success_total) == 0)\n)',
    for: minutes(10),
    summary: '{{ $labels.model }} on {{ $labels.host }} says too little of its engine',
    description:
      'It answers without some of the metrics that alerts and objectives are made of: its speed, its queue, its cache or its errors are not watched.',
    runbook: {
      meaning: 'Its flags turn the metrics off, or another version of vLLM calls them something else.',
      look: [
        on(
          '$host',
          `curl -s http://localhost:PORT/metrics | grep -E '^(${[...NEEDED, 'http_requests_total'].join('|')})'`,
          'shows those that are needed and there; ports stand under [Models](#models)',
        ),
      ],
      fix: [
        'Take `--disable-log-stats` out of its flags in the inventory, and deploy.',
        'Use a version of vLLM that has them: 0.13 or later.',
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      ...NEEDED.map((name) =>
        fires(
          `one of two has no ${name}`,
          {
            ...says(
              VLLM,
              NEEDED.filter((other) => other !== name),
            ),
            ...says(OTHER, NEEDED),
          },
          { labels: VLLM },
        ),
      ),
      fires(
        'it has answered, and counts no requests',
        { ...says(VLLM, NEEDED), ...answered(VLLM, 1), ...says(OTHER, NEEDED), ...requests(OTHER) },
        { labels: VLLM },
      ),
      silent('no one has asked yet', { ...says(VLLM, NEEDED), ...answered(VLLM, 0) }),
      silent('all is there', { ...says(VLLM, NEEDED), ...answered(VLLM, 1), ...requests(VLLM) }),
      silent('a model that is down, and a host that has no engine', {
        [series('up', VLLM)]: steady(0),
        [series('up', NODE)]: steady(1),
      }),
    ],
  }),
  alert('EnginesOrphaned', 'warning', {
    expr: 'citadel_orphaned_engines > 0',
    for: minutes(15),
    summary: '{{ $value | printf "%.0f" }} processes of engines on {{ $labels.host }} belong to no model',
    description:
      'They were started by hand, or are left over from a server that was killed. They hold GPU memory.',
    runbook: {
      meaning: 'The next start of a model on that GPU may fail for lack of memory.',
      look: [
        on(
          '$host',
          'nvidia-smi --query-compute-apps=pid,used_memory,name --format=csv',
          'shows who holds memory',
        ),
        on(
          '$host',
          'ps -eo pid,user,lstart,cmd | grep -i "vllm" | grep -v grep',
          'shows since when, and whose they are',
        ),
      ],
      fix: ['Ask whoever started it. If no one did: `sudo kill PID`.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'one',
        { [series('citadel_orphaned_engines', CITADEL)]: steady(1) },
        { labels: CITADEL, value: 1 },
      ),
      silent('none', { [series('citadel_orphaned_engines', CITADEL)]: steady(0) }),
    ],
  }),
  alert('ModelStalled', 'critical', {
    expr: `sum by (host, model) (vllm:num_requests_running) > 0\nand ${TOKENS} == 0`,
    for: minutes(5),
    summary: '{{ $labels.model }} on {{ $labels.host }} has requests and produces nothing',
    description: 'Requests are running, and for minutes no token of any of them was read or written.',
    runbook: {
      meaning: 'The engine is wedged. /health still says that all is well.',
      look: [ASK, ...MODEL_LOOK],
      fix: [RESTART],
      escalate: WAKE,
    },
    tests: [
      fires('a request and no token', stalled(1, 0), { labels: { host: 'a', model: 'm' } }),
      silent('an idle one', stalled(0, 0), minutes(20)),
      silent('a busy one', stalled(2, 1), minutes(20)),
    ],
  }),
];

const stalled = (running: number, tokens: number) => ({
  [series('vllm:num_requests_running', ENGINE)]: steady(running),
  [series(TOKENS, { host: 'a', model: 'm' })]: steady(tokens),
});
