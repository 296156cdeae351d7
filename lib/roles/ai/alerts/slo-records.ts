import type { RecordingRuleProps } from '../../../constructs/monitoring/rules/index.js';
import {
  CITADEL,
  growing,
  minutes,
  neat,
  series,
  steady,
  target,
} from '../../../constructs/monitoring/alerts/spec.js';
import { ENGINE, VLLM } from './model-parts.js';
import { TOKENS } from './model-records.js';
import * as slo from './slo-windows.js';
import type { Window } from './slo-windows.js';

const BY = 'sum by (host, model)';
const LABELS = '{host="a",model="m"}';

/** What asks for an answer: not lists of models, pages, counts of tokens, or what is not there. */
const ASKS = 'job="vllm", method="POST", handler!~"none|/(de)?tokenize|/v1/(un)?load_lora_adapter"';

/** Whether a model serves: a host that is down has no figures of its own, only those of whoever asks it from outside. */
export function downRecord(): RecordingRuleProps {
  const outside = series('probe_success', { ...target('probe'), host: 'a', model: 'm', service: 'm' });
  const inside = series('citadel_model_probe_success', { ...CITADEL, model: 'm' });
  const given = { at: minutes(5) };
  return {
    record: slo.DOWN,
    // Whoever makes tokens is busy and not away: that its answers are late is what the other objective counts.
    expr:
      'max by (host, model) (\n  1 - probe_success{model=~".+"}\n' +
      `  or (1 - citadel_model_probe_success unless on (host, model) ${TOKENS} > 0)\n)`,
    tests: [
      { name: 'its host is off', series: { [outside]: steady(0) }, ...given, gives: { [LABELS]: 1 } },
      {
        name: 'it answers /health and gives no token',
        series: { [outside]: steady(1), [inside]: steady(0) },
        ...given,
        gives: { [LABELS]: 1 },
      },
      {
        name: 'it has more to do than it can',
        series: {
          [outside]: steady(1),
          [inside]: steady(0),
          [series(TOKENS, { host: 'a', model: 'm' })]: steady(9),
        },
        ...given,
        gives: { [LABELS]: 0 },
      },
      {
        name: 'it serves; something that is no model does not',
        series: {
          [outside]: steady(1),
          [inside]: steady(1),
          [series('probe_success', { ...target('probe'), service: 'grafana' })]: steady(0),
        },
        ...given,
        gives: { [LABELS]: 0 },
      },
    ],
  };
}

/** Shares of what went wrong, of what people asked: the node's own probes, which the model counts as well, are taken off. */
export function windowRecords(window: Window, le: string): RecordingRuleProps[] {
  const rate = (selector: string) => `${BY} (rate(${selector}[${window}]))`;
  const all = rate(`http_requests_total{${ASKS}}`);
  const ended = rate('vllm:request_success_total');
  const first = rate('vllm:time_to_first_token_seconds_count');
  /** Zero where there is none, as long as there is `of`. */
  const some = (selector: string, of: string) => `(${rate(selector)} or 0 * ${of})`;
  const probes = 'citadel_model_probes_total';
  const refused = 'citadel_model_probe_server_errors_total';
  const asked = `clamp_min(${all} - ${some(probes, all)} - ${some(refused, all)}, 0)`;
  const answers = `clamp_min(${first} - ${some(probes, first)}, 0)`;
  const bucket = some(`vllm:time_to_first_token_seconds_bucket{le="${le}"}`, first);
  const within = some(`citadel_model_probes_within_total{seconds="${le}"}`, first);
  const tests = testsOf(window, le);
  return [
    {
      record: slo.HTTP_ERRORS + window,
      expr:
        `clamp_min(\n  ${some(`http_requests_total{${ASKS}, status="5xx"}`, all)} - ${some(refused, all)},\n  0\n)\n` +
        `/ (${asked} > 0)`,
      tests: tests.http,
    },
    {
      // In sequences, of which a request may have several: comparable as a share only.
      record: slo.ENGINE_ERRORS + window,
      expr:
        `clamp_min(\n  ${some('vllm:request_success_total{finished_reason="error"}', ended)} - ${some(refused, ended)},\n  0\n)\n` +
        `/ (clamp_min(${ended} - ${some(probes, ended)}, 0) > 0)`,
      tests: tests.engine,
    },
    {
      // An error of the engine is a bad status as well, unless the answer had begun: the larger share counts, not the sum.
      record: slo.ERRORS + window,
      expr: larger(slo.HTTP_ERRORS + window, slo.ENGINE_ERRORS + window),
      tests: largerTests(slo.HTTP_ERRORS + window, slo.ENGINE_ERRORS + window),
    },
    { record: slo.REQUESTS + window, expr: `3600 * ${asked}`, tests: tests.requests },
    {
      record: slo.PROBES + window,
      expr: `avg_over_time(${slo.DOWN}[${window}])`,
      tests: [
        {
          name: 'one of four',
          series: { [series(slo.DOWN, { host: 'a', model: 'm' })]: '0 0 1 0' },
          at: minutes(3),
          gives: { [LABELS]: 0.25 },
        },
      ],
    },
    {
      record: slo.LATE + window,
      expr:
        `clamp_min(\n  ${first} - ${bucket}\n  - (${some(probes, first)} - ${within}),\n  0\n)\n` +
        `/ (${answers} > 0)`,
      tests: tests.late,
    },
    { record: slo.ANSWERS + window, expr: `3600 * ${answers}`, tests: tests.answers },
  ];
}

/** The larger of two shares, or the one that there is. */
export const larger = (a: string, b: string): string => `(${a} > ${b})\nor ${b}\nor ${a}`;

function largerTests(a: string, b: string): RecordingRuleProps['tests'] {
  const labels = { host: 'a', model: 'm' };
  const both = (left: number, right: number) => ({
    [series(a, labels)]: steady(left),
    [series(b, labels)]: steady(right),
  });
  const given = { at: minutes(5), gives: { [LABELS]: 0.03 } };
  return [
    { name: 'the first is larger', series: both(0.03, 0.02), ...given },
    { name: 'the second is larger', series: both(0.02, 0.03), ...given },
    { name: 'only the first is known', series: { [series(a, labels)]: steady(0.03) }, ...given },
    { name: 'only the second is known', series: { [series(b, labels)]: steady(0.03) }, ...given },
  ];
}

/** A hundred a minute of people, and two probes, of which one is late. */
function testsOf(window: Window, le: string) {
  const http = (status: string, handler = '/v1/completions', method = 'POST') =>
    series('http_requests_total', { ...VLLM, handler, method, status });
  const ended = (finished_reason: string) =>
    series('vllm:request_success_total', { ...ENGINE, finished_reason });
  const first = (suffix: string, more: Readonly<Record<string, string>> = {}) =>
    series(`vllm:time_to_first_token_seconds_${suffix}`, { ...ENGINE, ...more });
  const own = (name: string, more: Readonly<Record<string, string>> = {}) =>
    series(`citadel_model_${name}`, { ...CITADEL, model: 'm', ...more });
  const given = { interval: minutes(1), at: minutes(5) };
  const probes = {
    [own('probes_total')]: growing(2, 10),
    [own('probe_server_errors_total')]: growing(1, 10),
    [own('probes_within_total', { seconds: le })]: growing(1, 10),
  };
  const traffic = {
    [http('2xx')]: growing(94 + 2, 10),
    [http('5xx')]: growing(3 + 1, 10),
    [http('4xx')]: growing(3, 10),
    [http('2xx', '/v1/models', 'GET')]: growing(500, 10),
    [http('2xx', '/tokenize')]: growing(500, 10),
    [http('5xx', 'none')]: growing(500, 10),
  };
  const engine = {
    [ended('stop')]: growing(96, 10),
    [ended('length')]: growing(2, 10),
    [ended('error')]: growing(4 + 1, 10),
  };
  const speed = {
    [first('bucket', { le })]: growing(90 + 1, 10),
    [first('bucket', { le: '+Inf' })]: growing(100 + 2, 10),
    [first('count')]: growing(100 + 2, 10),
  };
  // The counters of these tests begin at zero, and Prometheus does not stretch a counter below that.
  const perHour = neat((500 * 60) / minutesOf(window));
  const nobody = { [http('2xx')]: growing(2, 10), [own('probes_total')]: growing(2, 10) };
  return {
    http: [
      { name: 'three of a hundred', series: { ...traffic, ...probes }, ...given, gives: { [LABELS]: 0.03 } },
      { name: 'no error yet', series: { [http('2xx')]: growing(100, 10) }, ...given, gives: { [LABELS]: 0 } },
      { name: 'no one asks but the node', series: nobody, ...given, gives: {} },
    ],
    engine: [
      {
        name: 'four of a hundred',
        series: { ...engine, ...probes },
        ...given,
        gives: { [LABELS]: neat(4 / 101) },
      },
      {
        name: 'no error yet',
        series: { [ended('stop')]: growing(100, 10) },
        ...given,
        gives: { [LABELS]: 0 },
      },
      {
        name: 'no one asks but the node',
        series: { [ended('length')]: growing(2, 10), [own('probes_total')]: growing(2, 10) },
        ...given,
        gives: {},
      },
    ],
    requests: [
      {
        name: 'a hundred a minute',
        series: { ...traffic, ...probes },
        ...given,
        gives: { [LABELS]: perHour },
      },
      { name: 'no one asks but the node', series: nobody, ...given, gives: { [LABELS]: 0 } },
    ],
    late: [
      { name: 'ten of a hundred', series: { ...speed, ...probes }, ...given, gives: { [LABELS]: 0.1 } },
      { name: 'it is never probed', series: speed, ...given, gives: { [LABELS]: neat(11 / 102) } },
    ],
    answers: [
      { name: 'a hundred a minute', series: { ...speed, ...probes }, ...given, gives: { [LABELS]: perHour } },
    ],
  };
}

function minutesOf(window: Window): number {
  const unit = { m: 1, h: 60, d: 1440 }[window.slice(-1)] ?? 1;
  return Number(window.slice(0, -1)) * unit;
}
