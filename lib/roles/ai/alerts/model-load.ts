import {
  alert,
  fires,
  growing,
  minutes,
  neat,
  on,
  series,
  silent,
  steady,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import { above, below, type AlertSpec, type GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { ENGINE, MODEL_LOOK, VLLM } from './model-parts.js';
import type { NodesFacts } from './facts.js';

const MODEL = { host: 'a', model: 'm' };
const LOAD = [
  on(
    'a browser',
    'http://DEV-OPS:3000/d/citadel-model',
    'the dashboard of one model: requests, queue, cache, speed',
  ),
  on('$host', 'watch -n 1 nvidia-smi', 'shows whether the GPU is busy, hot or shared'),
];
const CALM = [
  'Ask who sends so much, and let them send less at a time.',
  'Lower `maxModelLen` or raise `gpuMemoryUtilization` of the model in the inventory if its GPU has room.',
];
const MORNING = 'Wait for the morning, unless people complain.';

/** How models do under load. Nothing for a fleet without models. */
export function loadAlerts({ thresholds, models }: NodesFacts): GroupSpec | undefined {
  if (models.length === 0) return undefined;
  const { queueLength, kvCachePercent, preemptionsPerMinute, requestErrorPercent } = thresholds;
  return {
    name: 'model-load',
    alerts: [
      slow({
        name: 'ModelFirstTokenSlow',
        metric: 'vllm:time_to_first_token_seconds',
        level: thresholds.firstTokenSec,
        what: 'waits {{ $value | humanizeDuration }} for the first token',
        meaning: 'People wait before anything happens: requests queue, or prompts are very long.',
      }),
      slow({
        name: 'ModelInterTokenSlow',
        metric: 'vllm:inter_token_latency_seconds',
        level: thresholds.interTokenSec,
        what: 'waits {{ $value | humanizeDuration }} for each further token',
        meaning: 'Answers trickle: too many at once, or a GPU that slows itself down because of heat.',
      }),
      ...room(queueLength, kvCachePercent, preemptionsPerMinute),
      ...errors(requestErrorPercent),
    ],
  };
}

/** Of fewer within five minutes, the node's own ten probes among them, one in twenty is a single one. */
const ENOUGH = 20;

function slow(what: {
  readonly name: string;
  readonly metric: string;
  readonly level: number;
  readonly what: string;
  readonly meaning: string;
}): AlertSpec {
  const { level } = what;
  const bucket = (le: number | '+Inf') => series(`${what.metric}_bucket`, { ...ENGINE, le: String(le) });
  const count = (perMinute: number) => ({ [series(`${what.metric}_count`, ENGINE)]: growing(perMinute) });
  const [low, high] = [neat(level * 0.99), neat(level * 1.2)];
  return alert(what.name, 'warning', {
    expr: `histogram_quantile(0.95, sum by (host, model, le) (rate(${what.metric}_bucket[5m]))) > ${level}\nand sum by (host, model) (increase(${what.metric}_count[5m])) > ${ENOUGH}`,
    for: minutes(10),
    summary: `One in twenty requests to {{ $labels.model }} on {{ $labels.host }} ${what.what}`,
    description: `The 95th percentile is above ${level} s for ten minutes.`,
    runbook: {
      meaning: what.meaning,
      look: [...LOAD, ...MODEL_LOOK.slice(1, 2)],
      fix: CALM,
      escalate: MORNING,
    },
    tests: [
      fires(
        'six of a hundred are slower',
        {
          [bucket(low)]: growing(94),
          [bucket(high)]: growing(100),
          [bucket('+Inf')]: growing(100),
          ...count(neat(above(ENOUGH) / 5)),
        },
        { labels: MODEL, value: neat(low + (high - low) / 6) },
        minutes(5),
      ),
      silent(
        'a few are slower, and a few are no measure',
        {
          [bucket(low)]: growing(94),
          [bucket(high)]: growing(100),
          [bucket('+Inf')]: growing(100),
          ...count(neat(below(ENOUGH) / 5)),
        },
        minutes(40),
      ),
      silent(
        'all are a little faster',
        {
          [bucket(low)]: growing(100),
          [bucket(high)]: growing(100),
          [bucket('+Inf')]: growing(100),
          ...count(100),
        },
        minutes(40),
      ),
      silent(
        'no one asks',
        {
          [bucket(low)]: steady(100),
          [bucket(high)]: steady(100),
          [bucket('+Inf')]: steady(100),
          ...count(0),
        },
        minutes(40),
      ),
    ],
  });
}

function room(queue: number, cache: number, preemptions: number): AlertSpec[] {
  const waiting = series('vllm:num_requests_waiting', ENGINE);
  const used = series('vllm:kv_cache_usage_perc', ENGINE);
  const preempted = series('vllm:num_preemptions_total', ENGINE);
  return [
    alert('ModelQueueLong', 'warning', {
      expr: `sum by (host, model) (vllm:num_requests_waiting) > ${queue}`,
      for: minutes(10),
      keepFiringFor: minutes(10),
      summary: '{{ $value | printf "%.0f" }} requests wait for {{ $labels.model }} on {{ $labels.host }}',
      description: `More than ${queue} for ten minutes: more is asked than it can answer.`,
      runbook: { meaning: 'Everybody waits for everybody else.', look: LOAD, fix: CALM, escalate: MORNING },
      tests: [
        fires(
          'a little too many',
          { [waiting]: steady(above(queue)) },
          { labels: MODEL, value: above(queue) },
        ),
        {
          ...fires(
            'until the queue is short',
            { [waiting]: turning(above(queue), below(queue), 20) },
            { labels: MODEL, value: above(queue) },
          ),
          until: minutes(20),
        },
        silent('a little fewer', { [waiting]: steady(below(queue)) }),
      ],
    }),
    alert('ModelCacheFull', 'warning', {
      expr: `100 * max by (host, model) (vllm:kv_cache_usage_perc) > ${cache}\nand sum by (host, model) (vllm:num_requests_waiting) > 0`,
      for: minutes(10),
      summary:
        'The cache of {{ $labels.model }} on {{ $labels.host }} is {{ $value | printf "%.0f" }} % full, and requests wait',
      description: 'A full cache alone is good use of memory. With a queue it is the reason for it.',
      runbook: {
        meaning: 'Long conversations fill the cache; others wait until one ends.',
        look: LOAD,
        fix: CALM,
        escalate: MORNING,
      },
      tests: [
        fires(
          'full, with one that waits',
          { [used]: steady(above(cache) / 100), [waiting]: steady(1) },
          { labels: MODEL, value: above(cache) },
        ),
        silent('full, and no one waits', { [used]: steady(above(cache) / 100), [waiting]: steady(0) }),
        silent('a little less, with a queue', { [used]: steady(below(cache) / 100), [waiting]: steady(1) }),
      ],
    }),
    alert('ModelPreempting', 'warning', {
      expr: `60 * sum by (host, model) (rate(vllm:num_preemptions_total[10m])) > ${preemptions}`,
      for: minutes(20),
      summary:
        '{{ $labels.model }} on {{ $labels.host }} puts {{ $value | printf "%.0f" }} requests a minute back',
      description: 'For want of cache it stops requests that it has begun, and begins them again later.',
      runbook: {
        meaning: 'Work is thrown away: everything becomes slower the more is asked.',
        look: LOAD,
        fix: CALM,
        escalate: MORNING,
      },
      tests: [
        fires(
          'a little too many',
          { [preempted]: growing(above(preemptions), 150, 1000) },
          { labels: MODEL, value: above(preemptions) },
          minutes(9),
        ),
        silent('a little fewer', { [preempted]: growing(below(preemptions), 150, 1000) }, minutes(60)),
      ],
    }),
  ];
}

function errors(level: number): AlertSpec[] {
  const http = (status: string, labels: Readonly<Record<string, string>> = VLLM) =>
    series('http_requests_total', { ...labels, handler: '/v1/chat/completions', method: 'POST', status });
  const ended = (reason: string) =>
    series('vllm:request_success_total', { ...ENGINE, finished_reason: reason });
  const share = (percent: number, bad: string, good: string, scale = 1) => ({
    [bad]: growing(percent * scale),
    [good]: growing((100 - percent) * scale),
  });
  return [
    alert('ModelHttpErrors', 'critical', {
      expr:
        '100 * sum by (host, model) (rate(http_requests_total{job="vllm", status="5xx"}[5m]))\n' +
        `  / sum by (host, model) (rate(http_requests_total{job="vllm"}[5m])) > ${level}\n` +
        'and sum by (host, model) (increase(http_requests_total{job="vllm"}[5m])) > 20',
      for: minutes(5),
      summary:
        '{{ $value | printf "%.0f" }} % of the requests to {{ $labels.model }} on {{ $labels.host }} fail',
      description: `More than ${level} % are answered with a server’s error, of at least twenty in five minutes.`,
      runbook: {
        meaning: 'People get errors.',
        look: [...MODEL_LOOK],
        fix: [on('$host', 'citadel restart MODEL', 'restarts it, if its words show that the engine died')],
        escalate: 'Wake the person responsible for the models if it goes on after one restart.',
      },
      tests: [
        fires(
          'a little above the level',
          share(above(level), http('5xx'), http('2xx')),
          { labels: MODEL, value: above(level) },
          minutes(1),
        ),
        silent('a little below it', share(below(level), http('5xx'), http('2xx')), minutes(30)),
        silent('all of very few', { [http('5xx')]: growing(3.8), [http('2xx')]: growing(0) }, minutes(30)),
        fires(
          'all of a few more',
          { [http('5xx')]: growing(4.2), [http('2xx')]: growing(0) },
          { labels: MODEL, value: 100 },
          minutes(5),
        ),
        silent('the client’s errors', share(above(level), http('4xx'), http('2xx')), minutes(30)),
        silent(
          'those of another server',
          share(above(level), http('5xx', { ...VLLM, job: 'other' }), http('2xx', { ...VLLM, job: 'other' })),
          minutes(30),
        ),
      ],
    }),
    alert('ModelEngineErrors', 'warning', {
      expr:
        '100 * sum by (host, model) (rate(vllm:request_success_total{finished_reason="error"}[10m]))\n' +
        `  / sum by (host, model) (rate(vllm:request_success_total[10m])) > ${level}`,
      for: minutes(10),
      summary:
        '{{ $value | printf "%.0f" }} % of the answers of {{ $labels.model }} on {{ $labels.host }} break off',
      description:
        'They ended with an error of the engine, some of them after they had begun, which HTTP does not show.',
      runbook: {
        meaning: 'People get the beginning of an answer.',
        look: [...MODEL_LOOK],
        fix: [
          'See what its words have in common: one client, one kind of request, or the GPU.',
          on('$host', 'citadel restart MODEL', 'restarts it'),
        ],
        escalate: MORNING,
      },
      tests: [
        fires(
          'a little above the level',
          share(above(level), ended('error'), ended('stop')),
          { labels: MODEL, value: above(level) },
          minutes(1),
        ),
        silent('a little below it', share(below(level), ended('error'), ended('stop')), minutes(30)),
        silent(
          'answers that are cut at their length',
          share(above(level), ended('length'), ended('stop')),
          minutes(30),
        ),
      ],
    }),
  ];
}
