import { Duration } from '../../units.js';
import { FIRST_TOKEN_BOUNDS } from '../metrics/index.js';
import type { FiringAlert, RecordingRuleProps, Runbook, Severity } from '../rules/index.js';
import { alert, CITADEL, fires, growing, minutes, neat, on, series, silent, steady } from './spec.js';
import { above, below, type AlertFacts, type AlertSpec, type GroupSpec, type WatchedModel } from './spec.js';
import { MODEL_LOOK, VLLM } from './models.js';

/** Windows that ratios are recorded over. */
const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
type Window = (typeof WINDOWS)[number];

/**
 * Pairs of windows: the long one says that it matters, the short one that it still goes on. `factor`: how many times faster
 * than in thirty days the budget is used up (14.4: a fiftieth of it within the hour).
 */
const BURNS: readonly {
  readonly long: Window;
  readonly short: Window;
  readonly factor: number;
  readonly severity: Severity;
  readonly wait: Duration;
}[] = [
  { long: '1h', short: '5m', factor: 14.4, severity: 'critical', wait: minutes(2) },
  { long: '6h', short: '30m', factor: 6, severity: 'critical', wait: minutes(15) },
  { long: '1d', short: '2h', factor: 3, severity: 'warning', wait: Duration.hours(1) },
  { long: '3d', short: '6h', factor: 1, severity: 'warning', wait: Duration.hours(3) },
];

const ERRORS = 'slo:model_request_errors:ratio_rate';
const PROBES = 'slo:model_probe_failures:ratio_over';
const REQUESTS = 'slo:model_requests:per_hour_over';
const LATE = 'slo:model_first_tokens_late:ratio_rate';
const ANSWERS = 'slo:model_answers:per_hour_over';

/** What is promised of each model, and how fast the promise is used up. Nothing for a fleet without models. */
export function sloAlerts({ slo, models }: AlertFacts): GroupSpec[] {
  if (models.length === 0) return [];
  const le = FIRST_TOKEN_BOUNDS.get(slo.timeToFirstTokenSec) ?? String(slo.timeToFirstTokenSec);
  return [
    {
      name: 'slo-records',
      interval: minutes(1),
      records: WINDOWS.flatMap((window) => records(window, le)),
      alerts: [],
    },
    {
      name: 'slo',
      alerts: models.flatMap((model) => [
        ...BURNS.map((burn) => availability(model, burn, slo)),
        ...BURNS.map((burn) => firstToken(model, burn, slo)),
      ]),
    },
  ];
}

function records(window: Window, le: string): RecordingRuleProps[] {
  const engine = { ...VLLM, engine: '0', model_name: 'm' };
  const http = (status: string) =>
    series('http_requests_total', { ...VLLM, handler: '/v1/completions', method: 'POST', status });
  const ended = (finished_reason: string) =>
    series('vllm:request_success_total', { ...engine, finished_reason });
  const by = 'sum by (host, model)';
  const total = `${by} (rate(http_requests_total{job="vllm"}[${window}]))`;
  const failed = (query: string) => `(${by} (rate(${query}[${window}])) or 0 * ${total})`;
  const answers = `${by} (rate(vllm:time_to_first_token_seconds_count[${window}]))`;
  const first = (suffix: string, more: Readonly<Record<string, string>> = {}) =>
    series(`vllm:time_to_first_token_seconds_${suffix}`, { ...engine, ...more });
  const labels = '{host="a",model="m"}';
  const given = { interval: minutes(1), at: minutes(5) };
  const traffic = {
    [http('2xx')]: growing(96, 10),
    [http('5xx')]: growing(1, 10),
    [http('4xx')]: growing(3, 10),
    [ended('stop')]: growing(97, 10),
    [ended('error')]: growing(2, 10),
  };
  const speed = {
    [first('bucket', { le })]: growing(90, 10),
    [first('bucket', { le: '+Inf' })]: growing(100, 10),
    [first('count')]: growing(100, 10),
  };
  // The counters of these tests begin at zero, and Prometheus does not stretch a counter below that.
  const perHour = neat((500 * 60) / minutesOf(window));
  return [
    {
      record: `${ERRORS}${window}`,
      expr: `(\n  ${failed('http_requests_total{job="vllm", status="5xx"}')}\n  + ${failed('vllm:request_success_total{finished_reason="error"}')}\n) / (${total} > 0)`,
      tests: [
        {
          name: 'one with a bad status and two that broke off, of a hundred',
          series: traffic,
          ...given,
          gives: { [labels]: 0.03 },
        },
        {
          name: 'no error yet',
          series: { [http('2xx')]: growing(100, 10) },
          ...given,
          gives: { [labels]: 0 },
        },
        { name: 'nobody asks', series: { [http('2xx')]: steady(100, 10) }, ...given, gives: {} },
      ],
    },
    {
      record: `${REQUESTS}${window}`,
      expr: `3600 * ${total}`,
      tests: [
        {
          name: 'a hundred a minute',
          series: traffic,
          ...given,
          gives: { [labels]: perHour },
        },
      ],
    },
    {
      record: `${PROBES}${window}`,
      expr: `1 - avg_over_time(citadel_model_probe_success[${window}])`,
      tests: [
        {
          name: 'one of four',
          series: { [series('citadel_model_probe_success', { ...CITADEL, model: 'm' })]: '1 1 0 1' },
          ...given,
          at: minutes(3),
          gives: { '{host="a",instance="a:8000",job="citadel",model="m"}': 0.25 },
        },
      ],
    },
    {
      record: `${LATE}${window}`,
      expr: `1 - ${by} (rate(vllm:time_to_first_token_seconds_bucket{le="${le}"}[${window}])) / (${answers} > 0)`,
      tests: [{ name: 'ten of a hundred', series: speed, ...given, gives: { [labels]: 0.1 } }],
    },
    {
      record: `${ANSWERS}${window}`,
      expr: `3600 * ${answers}`,
      tests: [
        {
          name: 'a hundred a minute',
          series: speed,
          ...given,
          gives: { [labels]: perHour },
        },
      ],
    },
  ];
}

function minutesOf(window: Window): number {
  const unit = { m: 1, h: 60, d: 1440 }[window.slice(-1)] ?? 1;
  return Number(window.slice(0, -1)) * unit;
}

const AVAILABILITY: Runbook = {
  meaning:
    'The model fails more often than is promised. With `window` 1h the promise of the whole month would be broken within two days, with 6h within five; 1d and 3d are slower and can wait for the day.',
  look: [
    on('$host', 'citadel health', 'shows whether it answers now'),
    ...MODEL_LOOK,
    on('a browser', 'http://DEV-OPS:3000/d/citadel-model', 'the dashboard of the model shows since when'),
  ],
  fix: [
    'Fix what the other alerts of this model say. The alert ends by itself when the short window is clean.',
    on('$host', 'citadel restart MODEL', 'if nothing else is known and it fails now'),
  ],
  escalate:
    'Critical: wake the person responsible for the models if it still fails after half an hour. Warning: by day.',
};

const FIRST_TOKEN: Runbook = {
  meaning: 'More answers begin late than is promised. Nobody is without an answer, everybody waits.',
  look: [
    on(
      'a browser',
      'http://DEV-OPS:3000/d/citadel-model',
      'the dashboard of the model: queue, length of prompts, cache',
    ),
    on('$host', 'nvidia-smi', 'shows whether the GPU is slowed down or shared'),
  ],
  fix: [
    'See [ModelQueueLong](#modelqueuelong) and [ModelCacheFull](#modelcachefull): less at a time, shorter prompts, more memory.',
  ],
  escalate:
    'Critical: wake the person responsible for the models if the queue keeps growing. Warning: by day.',
};

type Burn = (typeof BURNS)[number];

function availability(model: WatchedModel, burn: Burn, slo: AlertFacts['slo']): AlertSpec {
  const level = neat(burn.factor * (1 - slo.availability));
  const who = `host="${model.host}", model="${model.name}"`;
  const labels = { host: model.host, model: model.name };
  const probe = { ...CITADEL, ...labels };
  const least = slo.minimumRequestsPerHour;
  const busy = Math.max(1, least * 2);
  const request = (ratio: number, now: number, perHour: number) => ({
    [series(ERRORS + burn.long, labels)]: steady(ratio, 400),
    [series(ERRORS + burn.short, labels)]: steady(now, 400),
    [series(REQUESTS + burn.long, labels)]: steady(perHour, 400),
  });
  const probed = (ratio: number, now: number) => ({
    [series(PROBES + burn.long, probe)]: steady(ratio, 400),
    [series(PROBES + burn.short, probe)]: steady(now, 400),
  });
  const expected: FiringAlert = { labels, value: above(level) };
  return alert('ModelAvailabilityBurn', burn.severity, {
    labels: { ...labels, window: burn.long },
    expr:
      `max by (host, model) (\n  (${ERRORS}${burn.long}{${who}} > ${level} and ${ERRORS}${burn.short}{${who}} > ${level}\n` +
      `    and ${REQUESTS}${burn.long}{${who}} > ${least})\n` +
      `  or (${PROBES}${burn.long}{${who}} > ${level} and ${PROBES}${burn.short}{${who}} > ${level})\n)`,
    for: burn.wait,
    summary: `{{ $labels.model }} on {{ $labels.host }} fails in {{ $value | humanizePercentage }} of the cases (over ${burn.long})`,
    description: `Requests, or probes, fail ${burn.factor} times as often as ${neat(100 * (1 - slo.availability))} % a month allow.`,
    runbook: AVAILABILITY,
    tests: [
      fires('requests fail', request(above(level), above(level), least * 1.01 + 0.001), expected),
      fires('probes fail, and nobody asks', probed(above(level), above(level)), expected),
      silent('a little below the level', {
        ...request(below(level), above(level), busy),
        ...probed(below(level), above(level)),
      }),
      silent('it is over', {
        ...request(above(level), below(level), busy),
        ...probed(above(level), below(level)),
      }),
      ...(least === 0 ? [] : [silent('too few requests to say', request(1, 1, neat(least * 0.99)))]),
    ],
  });
}

function firstToken(model: WatchedModel, burn: Burn, slo: AlertFacts['slo']): AlertSpec {
  // A ratio ends at one: a fast burn of a large budget means that nothing comes in time.
  const level = Math.min(0.98, neat(burn.factor * (1 - slo.timeToFirstTokenObjective)));
  const who = `host="${model.host}", model="${model.name}"`;
  const labels = { host: model.host, model: model.name };
  const least = slo.minimumRequestsPerHour;
  const busy = Math.max(1, least * 2);
  const late = (ratio: number, now: number, perHour: number) => ({
    [series(LATE + burn.long, labels)]: steady(ratio, 400),
    [series(LATE + burn.short, labels)]: steady(now, 400),
    [series(ANSWERS + burn.long, labels)]: steady(perHour, 400),
  });
  return alert('ModelFirstTokenBurn', burn.severity, {
    labels: { ...labels, window: burn.long },
    expr: `${LATE}${burn.long}{${who}} > ${level} and ${LATE}${burn.short}{${who}} > ${level}\nand ${ANSWERS}${burn.long}{${who}} > ${least}`,
    for: burn.wait,
    summary: `{{ $value | humanizePercentage }} of the answers of {{ $labels.model }} on {{ $labels.host }} begin late (over ${burn.long})`,
    description: `More than ${slo.timeToFirstTokenSec} s to the first token ${burn.factor} times as often as ${neat(100 * (1 - slo.timeToFirstTokenObjective))} % a month allow.`,
    runbook: FIRST_TOKEN,
    tests: [
      fires('a little above the level', late(above(level), above(level), least * 1.01 + 0.001), {
        labels,
        value: above(level),
      }),
      silent('a little below it', late(below(level), above(level), busy)),
      silent('it is over', late(above(level), below(level), busy)),
      ...(least === 0 ? [] : [silent('too few requests to say', late(1, 1, neat(least * 0.99)))]),
    ],
  });
}
