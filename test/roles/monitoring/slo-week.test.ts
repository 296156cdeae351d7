import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderYaml } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { groupsOf, wholeInventory } from './alert-tree.js';
import { testRules } from './promtool.js';

const STEP_MIN = 5;
const STEPS = (7 * 24 * 60) / STEP_MIN;
const BUDGET = { away: 0.01, late: 0.05 };
const LE = '2.5';

/** Of each five minutes of a week: what people asked, and what happened to it. */
interface Five {
  readonly asked: number;
  /** Answered with a status of 500, and counted as an error by the engine as well. */
  readonly refused: number;
  /** Broke off after they had begun: a good status, and an error of the engine. */
  readonly broken: number;
  readonly late: number;
  /** The host is off: nothing of it answers. */
  readonly off: boolean;
  /** It answers /health and makes no token. */
  readonly wedged: boolean;
}

const hours = (from: number, to: number, step: number): boolean =>
  step >= (from * 60) / STEP_MIN && step < (to * 60) / STEP_MIN;

const WEEK: readonly Five[] = Array.from({ length: STEPS }, (_none, step) => {
  const off = hours(30, 31.5, step);
  const wedged = hours(60, 60.5, step);
  const asked = off || wedged ? 0 : hours(8, 20, step % ((24 * 60) / STEP_MIN)) ? 40 : 4;
  const part = (share: number, now: boolean) => (now ? Math.round(asked * share) : 0);
  return {
    asked,
    off,
    wedged,
    refused: part(0.5, hours(80, 81, step)),
    broken: part(0.25, hours(84, 86, step)),
    late: part(0.5, hours(105, 108, step)),
  };
});

/** The node asks for one token every thirty seconds, and gets it at once unless the model is wedged or off. */
const PROBES = (STEP_MIN * 60) / 30;

/** A counter; where the host is off it has no value, and it begins at zero afterwards: the model was started again. */
function counter(of: (five: Five) => number): string {
  let value = 0;
  return WEEK.map((five) => {
    if (five.off) {
      value = 0;
      return '_';
    }
    value += of(five);
    return String(value);
  }).join(' ');
}

const gauge = (of: (five: Five) => number, always = false): string =>
  WEEK.map((five) => (five.off && !always ? '_' : String(of(five)))).join(' ');

const probed = ({ off, wedged }: Five) => (off || wedged ? 0 : PROBES);

const SERIES: Readonly<Record<string, string>> = {
  'probe_success{host="a",instance="u",job="probe",model="m",service="m"}': gauge(
    ({ off }) => (off ? 0 : 1),
    true,
  ),
  'citadel_model_probe_success{host="a",instance="c",job="citadel",model="m"}': gauge(({ wedged }) =>
    wedged ? 0 : 1,
  ),
  'citadel_model_probes_total{host="a",instance="c",job="citadel",model="m"}': counter(probed),
  'citadel_model_probe_server_errors_total{host="a",instance="c",job="citadel",model="m"}': counter(() => 0),
  [`citadel_model_probes_within_total{host="a",instance="c",job="citadel",model="m",seconds="${LE}"}`]:
    counter(probed),
  ...http('2xx', (five) => five.asked - five.refused + probed(five)),
  ...http('5xx', ({ refused }) => refused),
  ...ended('stop', (five) => 2 * (five.asked - five.refused - five.broken) + probed(five)),
  // Two answers each: sequences are not requests.
  ...ended('error', ({ refused, broken }) => 2 * (refused + broken)),
  ...first(`bucket{le="${LE}",`, (five) => five.asked - five.late + probed(five)),
  ...first('count{', (five) => five.asked + probed(five)),
};

function http(status: string, of: (five: Five) => number) {
  const labels = `handler="/v1/chat/completions",host="a",instance="v",job="vllm",method="POST",model="m",status="${status}"`;
  return { [`http_requests_total{${labels}}`]: counter(of) };
}

function ended(reason: string, of: (five: Five) => number) {
  const labels = `engine="0",finished_reason="${reason}",host="a",instance="v",job="vllm",model="m",model_name="m"`;
  return { [`vllm:request_success_total{${labels}}`]: counter(of) };
}

function first(begin: string, of: (five: Five) => number) {
  return {
    [`vllm:time_to_first_token_seconds_${begin}engine="0",host="a",instance="v",job="vllm",model="m",model_name="m"}`]:
      counter(of),
  };
}

const sum = (of: (five: Five) => number): number => WEEK.reduce((total, five) => total + of(five), 0);

/** By arithmetic over what happened, and by none of the expressions. */
const RIGHT = {
  away: sum(({ off, wedged }) => (off || wedged ? 1 : 0)) / STEPS,
  failed: sum(({ refused, broken }) => refused + broken) / sum(({ asked }) => asked),
  late: sum(({ late }) => late) / sum(({ asked }) => asked),
};

describe.skipIf(!hasTool('promtool'))('the budget after a week in which everything happened once', () => {
  const groups = groupsOf(wholeInventory()).filter(({ name }) => /^slo-/.test(name));

  /** What the rules record at the end of the week, to a thousandth, against what is right. */
  it('is what arithmetic says: outages, bad statuses, answers that broke off and late ones, each once', async () => {
    expect(RIGHT.away).toBeCloseTo(120 / (7 * 24 * 60), 6);
    expect(RIGHT.failed).toBeGreaterThan(0.005);
    expect(RIGHT.late).toBeGreaterThan(0.01);
    const near = (record: string, right: number, off: number) => ({
      expr: `count(abs(${record}{model="m"} - ${right}) < ${off})`,
      eval_time: '7d',
      exp_samples: [{ labels: '{}', value: 1 }],
    });
    const root = scratch();
    // Five minutes hold one sample here: windows of five minutes are looked at as ones of half an hour.
    const rules = groups.map(({ name, text }) => [`${name}.yml`, coarse(text)] as const);
    writeTree(root, {
      ...Object.fromEntries(rules),
      'test.yml': renderYaml({
        rule_files: rules.map(([file]) => file),
        evaluation_interval: `${STEP_MIN}m`,
        tests: [
          {
            interval: `${STEP_MIN}m`,
            input_series: Object.entries(SERIES).map(([series, values]) => ({ series, values })),
            promql_expr_test: [
              near('slo:model_probe_failures:ratio_over30d', RIGHT.away, 0.0005),
              near('slo:model_request_errors:ratio_rate30d', RIGHT.failed, 0.001),
              near(
                'slo:model_availability_budget:left_ratio30d',
                1 - Math.max(RIGHT.away, RIGHT.failed) / BUDGET.away,
                0.1,
              ),
              near('slo:model_first_token_budget:left_ratio30d', 1 - RIGHT.late / BUDGET.late, 0.04),
            ],
          },
        ],
      }),
    });
    expect(await testRules(root, ['test.yml'])).toEqual(new Map([['test.yml', true]]));
  }, 600_000);
});

/** Only what budgets are made of, at the step of this test: the other windows ask the same of longer times. */
function coarse(text: string): string {
  const { groups } = parse(text) as { groups: { name: string; rules: { record: string; expr: string }[] }[] };
  return renderYaml({
    groups: groups.map(({ name, rules }) => ({
      name,
      interval: name === 'slo-budget' ? '12h' : `${STEP_MIN}m`,
      rules: rules
        .filter(({ record }) => !/(rate|over)(30m|[126][hd]|3d)$/.test(record))
        .map(({ record, expr }) => ({ record, expr: expr.replaceAll('[5m]', '[30m]') })),
    })),
  });
}
