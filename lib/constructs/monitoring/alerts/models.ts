import {
  aged,
  alert,
  CITADEL,
  fires,
  growing,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
  turning,
} from './spec.js';
import { above, below, type AlertFacts, type AlertSpec, type GroupSpec, type WatchedModel } from './spec.js';

export const VLLM = { host: 'a', instance: 'a:11403', job: 'vllm', model: 'm' } as const;
const ENGINE = { ...VLLM, engine: '0', model_name: 'm' };

export const MODEL_LOOK = [
  on('$host', 'systemctl status citadel-MODEL.service', 'shows whether it runs, and since when'),
  on('$host', 'journalctl -u citadel-MODEL.service -n 200', 'shows its last words'),
  on('$host', 'nvidia-smi', 'shows whether its GPU is there, and has room'),
];
const RESTART = on('$host', 'citadel restart MODEL', 'restarts it; loading takes minutes');
const ASK = on(
  '$host',
  'curl -m 60 -X POST http://localhost:PORT/v1/chat/completions -H "Content-Type: application/json" \\\n' +
    '  -d \'{"model": "MODEL", "messages": [{"role": "user", "content": "test"}], "max_tokens": 1}\'',
  'asks for one token; ports stand under [Models](#models)',
);
const WAKE = 'Wake the person responsible for the models if it does not answer after one restart.';

/** Whether models answer. Nothing for a fleet without models. */
export function modelAlerts({ thresholds, models }: AlertFacts): GroupSpec | undefined {
  const [first] = models;
  if (first === undefined) return undefined;
  const probed = models.filter((model) => model.probed);
  return {
    name: 'models',
    alerts: [
      ...answering(thresholds.modelDownMinutes, models, first),
      ...engine(),
      ...(probed[0] === undefined ? [] : probing(thresholds, probed, probed[0])),
    ],
  };
}

const matcher = (models: readonly WatchedModel[]) =>
  `model=~"${[...new Set(models.map(({ name }) => name))].join('|')}"`;

function answering(down: number, models: readonly WatchedModel[], first: WatchedModel): AlertSpec[] {
  const inside = { ...CITADEL, model: first.name };
  const targets = models.map(({ host, name }) => `absent(up{host="${host}", job="vllm", model="${name}"})`);
  const up = ({ host, name }: WatchedModel) => series('up', { host, job: 'vllm', model: name });
  const all = Object.fromEntries(models.map((model) => [up(model), steady(1)]));
  return [
    alert('ModelDown', 'critical', {
      expr: 'up{job="vllm"} == 0',
      for: minutes(down),
      summary: '{{ $labels.model }} on {{ $labels.host }} does not answer',
      description: `Nobody gets an answer from this model for ${down} minutes, which is longer than it takes to load.`,
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
      ],
    }),
    alert('ModelTargetMissing', 'critical', {
      expr: targets.join('\nor '),
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
        ...models.map((gone) =>
          fires(
            `${gone.name} on ${gone.host} is gone`,
            Object.fromEntries(
              models.filter((model) => model !== gone).map((model) => [up(model), steady(1)]),
            ),
            { labels: { host: gone.host, job: 'vllm', model: gone.name } },
          ),
        ),
        silent('all are there', all),
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
      expr: 'increase(citadel_monitor_model_restarts_total[1h]) > 0',
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
          { [series('citadel_monitor_model_restarts_total', inside)]: turning(0, 1, 61) },
          { labels: inside },
          minutes(61),
        ),
        silent(
          'not within the last hour',
          { [series('citadel_monitor_model_restarts_total', inside)]: steady(1) },
          minutes(70),
        ),
      ],
    }),
  ];
}

const engine = (): AlertSpec[] => [
  alert('ModelMetricsMissing', 'warning', {
    expr: 'up{job="vllm"} == 1 unless on (host, model) vllm:num_requests_running',
    for: minutes(10),
    summary: '{{ $labels.model }} on {{ $labels.host }} says nothing of its engine',
    description:
      'It answers without metrics of the engine: its speed, its queue and its errors are not watched.',
    runbook: {
      meaning: 'Its flags turn the metrics off, or a new version of vLLM renamed them.',
      look: [
        on(
          '$host',
          'curl -s http://localhost:PORT/metrics | grep -c ^vllm:',
          'counts them; ports stand under [Models](#models)',
        ),
      ],
      fix: ['Take `--disable-log-stats` out of its flags in the inventory, and deploy.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'one of two has none',
        {
          [series('up', VLLM)]: steady(1),
          [series('up', { ...VLLM, instance: 'a:11402', model: 'n' })]: steady(1),
          [series('vllm:num_requests_running', {
            ...ENGINE,
            instance: 'a:11402',
            model: 'n',
            model_name: 'n',
          })]: steady(0),
        },
        { labels: VLLM },
      ),
      silent('a model that is down, and a host that has no engine', {
        [series('up', VLLM)]: steady(0),
        [series('up', NODE)]: steady(1),
      }),
    ],
  }),
  alert('ModelStalled', 'critical', {
    expr: 'sum by (host, model) (vllm:num_requests_running) > 0\nand sum by (host, model) (rate(vllm:generation_tokens_total[5m])) == 0',
    for: minutes(5),
    summary: '{{ $labels.model }} on {{ $labels.host }} has requests and produces nothing',
    description: 'Requests are running, and for minutes no token came out of any of them.',
    runbook: {
      meaning: 'The engine is wedged. /health still says that all is well.',
      look: [ASK, ...MODEL_LOOK],
      fix: [RESTART],
      escalate: WAKE,
    },
    tests: [
      fires(
        'a request and no token',
        {
          [series('vllm:num_requests_running', ENGINE)]: steady(1),
          [series('vllm:generation_tokens_total', ENGINE)]: steady(500),
        },
        { labels: { host: 'a', model: 'm' } },
        minutes(1),
      ),
      silent(
        'an idle one',
        {
          [series('vllm:num_requests_running', ENGINE)]: steady(0),
          [series('vllm:generation_tokens_total', ENGINE)]: steady(500),
        },
        minutes(20),
      ),
      silent(
        'a busy one',
        {
          [series('vllm:num_requests_running', ENGINE)]: steady(2),
          [series('vllm:generation_tokens_total', ENGINE)]: growing(60),
        },
        minutes(20),
      ),
    ],
  }),
];

function probing(
  thresholds: AlertFacts['thresholds'],
  models: readonly WatchedModel[],
  first: WatchedModel,
): AlertSpec[] {
  const inside = { ...CITADEL, model: first.name };
  const stranger = { ...CITADEL, model: 'someone-else' };
  const [age, slow] = [thresholds.modelProbeAgeSec, thresholds.modelProbeSec];
  const up = { [series('citadel_model_up', inside)]: steady(1) };
  const last = (labels: Readonly<Record<string, string>>) =>
    series('citadel_model_probe_last_success_timestamp_seconds', labels);
  return [
    alert('ModelProbeFailing', 'critical', {
      expr: `citadel_model_probe_success{${matcher(models)}} == 0 and on (host, model) citadel_model_up == 1`,
      for: minutes(3),
      summary: '{{ $labels.model }} on {{ $labels.host }} gives no token',
      description: 'It answers /health, and a request for one token fails.',
      runbook: {
        meaning: 'People get errors from this model, although it looks well.',
        look: [ASK, ...MODEL_LOOK],
        fix: [RESTART],
        escalate: WAKE,
      },
      tests: [
        fires(
          'a probe fails',
          { ...up, [series('citadel_model_probe_success', inside)]: steady(0) },
          { labels: inside },
        ),
        silent('it works', { ...up, [series('citadel_model_probe_success', inside)]: steady(1) }),
        silent('the model is down, for which there is another alert', {
          [series('citadel_model_up', inside)]: steady(0),
          [series('citadel_model_probe_success', inside)]: steady(0),
        }),
      ],
    }),
    alert('ModelWedged', 'critical', {
      expr: `time() - citadel_model_probe_last_success_timestamp_seconds{${matcher(models)}} > ${age}\nand on (host, model) citadel_model_up == 1`,
      for: minutes(2),
      summary:
        '{{ $labels.model }} on {{ $labels.host }} last gave a token {{ $value | humanizeDuration }} ago',
      description: 'It answers /health, and the request for one token hangs.',
      runbook: {
        meaning: 'The engine is wedged: whoever asks waits for ever.',
        look: [ASK, ...MODEL_LOOK],
        fix: [RESTART],
        escalate: WAKE,
      },
      tests: [
        fires(
          'for a little too long',
          { ...up, [last(inside)]: aged(age) },
          { labels: inside, value: age + 180 },
          minutes(11),
        ),
        silent('a little less', { ...up, [last(inside)]: aged(age, 60) }, minutes(60)),
        silent(
          'the model is down, for which there is another alert',
          { [series('citadel_model_up', inside)]: steady(0), [last(inside)]: aged(age) },
          minutes(30),
        ),
      ],
    }),
    alert('ModelProbeSlow', 'warning', {
      expr: `citadel_model_probe_duration_seconds{${matcher(models)}} > ${slow}`,
      for: minutes(10),
      summary:
        '{{ $labels.model }} on {{ $labels.host }} takes {{ $value | humanizeDuration }} for one token',
      description: `A request for one token takes more than ${slow} s.`,
      runbook: {
        meaning: 'Either many requests wait before it, or the GPU is slow.',
        look: [
          on('$host', 'citadel health', 'shows how long each model takes'),
          on('$host', 'nvidia-smi', 'shows whether the GPU is hot or shared'),
        ],
        fix: ['See [ModelQueueLong](#modelqueuelong): too many requests look the same.'],
        escalate: 'Wait for the morning.',
      },
      tests: [
        fires(
          'a little too slow',
          { [series('citadel_model_probe_duration_seconds', inside)]: steady(above(slow)) },
          { labels: inside, value: above(slow) },
        ),
        silent(
          'a little faster, and one that starts by hand',
          {
            [series('citadel_model_probe_duration_seconds', inside)]: steady(below(slow)),
            [series('citadel_model_probe_duration_seconds', stranger)]: steady(slow * 3),
          },
          minutes(30),
        ),
      ],
    }),
    alert('ModelProbeMissing', 'warning', {
      expr: `citadel_model_expected{${matcher(models)}} unless on (host, model) citadel_model_probe_success`,
      for: minutes(15),
      summary: 'Nobody asks {{ $labels.model }} on {{ $labels.host }} for a token',
      description: 'The node’s exporter has no result of a probe: a wedged model would not be noticed.',
      runbook: {
        meaning: 'The exporter is down, or its settings do not name the model.',
        look: [
          on('$host', 'systemctl status citadel-metrics-exporter', 'shows whether it runs'),
          on(
            '$host',
            'curl -s http://localhost:8000/metrics | grep citadel_model_probe',
            'shows what it knows',
          ),
        ],
        fix: [
          on(
            '$host',
            'systemctl restart citadel-metrics-exporter',
            'restarts it, with the settings that are there',
          ),
        ],
        escalate: 'Wait for the morning if `citadel health` is well.',
      },
      tests: [
        fires(
          'no result',
          { [series('citadel_model_expected', { ...NODE, model: first.name })]: steady(1) },
          { labels: { ...NODE, model: first.name } },
        ),
        silent('a result', {
          [series('citadel_model_expected', { ...NODE, model: first.name })]: steady(1),
          [series('citadel_model_probe_success', inside)]: steady(1),
        }),
      ],
    }),
  ];
}
