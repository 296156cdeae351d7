import type { RecordingRuleProps } from '../../../constructs/monitoring/rules/index.js';
import { minutes, neat, series, steady } from '../../../constructs/monitoring/alerts/spec.js';
import type { Slo } from '../schema/slo.js';
import { larger } from './slo-records.js';
import * as slo from './slo-windows.js';

const MODEL = { host: 'a', model: 'm' };
const LABELS = '{host="a",model="m"}';

/** Numbers of requests, from which shares of thirty days are made: a share of few requests weighs little. */
export function countRecords(): RecordingRuleProps[] {
  const count = (record: string, ratio: string, perHour: string): RecordingRuleProps => ({
    record,
    expr: `${ratio}5m * ${perHour}5m`,
    tests: [
      {
        name: 'a tenth of fifty',
        series: { [series(`${ratio}5m`, MODEL)]: steady(0.1), [series(`${perHour}5m`, MODEL)]: steady(50) },
        at: minutes(5),
        gives: { [LABELS]: 5 },
      },
    ],
  });
  return [count(slo.FAILED, slo.ERRORS, slo.REQUESTS), count(slo.LATE_ANSWERS, slo.LATE, slo.ANSWERS)];
}

/** What is left of the budget of thirty days, by all that was recorded in them. */
export function budgetRecords({ availability, timeToFirstTokenObjective }: Slo): RecordingRuleProps[] {
  const sum = (name: string) => `sum_over_time(${name}[30d])`;
  const share = (part: string, all: string) => `${sum(part)} / (${sum(all)} > 0)`;
  const down = `${slo.PROBES}30d`;
  const failed = `${slo.ERRORS}30d`;
  const budget = neat(1 - availability);
  const late = neat(1 - timeToFirstTokenObjective);
  const half = (part: string, all: string) => ({
    series: { [series(part, MODEL)]: steady(1), [series(all, MODEL)]: steady(2) },
    at: minutes(5),
  });
  return [
    {
      record: down,
      expr: `avg_over_time(${slo.DOWN}[30d])`,
      tests: [
        {
          name: 'one of four',
          series: { [series(slo.DOWN, MODEL)]: '0 0 1 0' },
          at: minutes(3),
          gives: { [LABELS]: 0.25 },
        },
      ],
    },
    {
      record: failed,
      expr: share(slo.FAILED, `${slo.REQUESTS}5m`),
      tests: [{ name: 'half', ...half(slo.FAILED, `${slo.REQUESTS}5m`), gives: { [LABELS]: 0.5 } }],
    },
    {
      record: slo.AVAILABILITY_LEFT,
      expr: `1 - (${larger(down, failed)}) / ${budget}`,
      tests: [
        {
          name: 'a quarter was used by outages, less by requests that failed',
          series: { [series(down, MODEL)]: steady(budget / 4), [series(failed, MODEL)]: steady(budget / 8) },
          at: minutes(5),
          gives: { [LABELS]: 0.75 },
        },
        {
          name: 'twice as much as there was',
          series: { [series(down, MODEL)]: steady(0), [series(failed, MODEL)]: steady(budget * 2) },
          at: minutes(5),
          gives: { [LABELS]: -1 },
        },
      ],
    },
    {
      record: slo.FIRST_TOKEN_LEFT,
      expr: `1 - (${share(slo.LATE_ANSWERS, `${slo.ANSWERS}5m`)}) / ${late}`,
      tests: [
        {
          name: 'half of the answers were late',
          ...half(slo.LATE_ANSWERS, `${slo.ANSWERS}5m`),
          gives: { [LABELS]: neat(1 - 0.5 / late) },
        },
      ],
    },
  ];
}
