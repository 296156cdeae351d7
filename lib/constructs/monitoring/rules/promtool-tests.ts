import { renderYaml, type DataValue } from '../../../render/index.js';
import { Duration } from '../../units.js';
import type { AlertRule } from './alert-rule.js';
import { fillAnnotation } from './annotation.js';
import type { RecordingRule } from './recording-rule.js';
import type { RuleGroup } from './rule-group.js';
import { isFiring, type AlertTest, type FiringAlert } from './rule-test.js';

/** Rules are evaluated this often in their tests: the finest step of a `for`. */
const STEP_SEC = 60;

export interface RulesToTest {
  readonly alerts: readonly AlertRule[];
  readonly records: readonly RecordingRule[];
}

/**
 * A file for `promtool test rules`.
 *
 * @param ruleFile the file that the rules stand in, relative to the test file
 */
export function promtoolTests(ruleFile: string, runbookBase: string, rules: RulesToTest): string {
  return renderYaml({
    rule_files: [ruleFile],
    evaluation_interval: '1m',
    tests: [
      ...rules.records.flatMap((rule) => rule.props.tests.map((test) => recordTest(rule, test))),
      ...rules.alerts.flatMap((rule) => rule.props.tests.map((test) => alertTest(rule, test, runbookBase))),
    ],
  });
}

/**
 * Each rule of a group alone, with its tests: name → text of the rule file and of the test file that names it `<name>.yml`.
 * Alone, because a rule with another severity, or for another model, would answer in its place.
 */
export function groupTests(group: RuleGroup): Readonly<Record<string, { rules: string; tests: string }>> {
  const file = (rule: DataValue) => renderYaml({ groups: [{ name: group.name, rules: [rule] }] });
  const entry = (rule: AlertRule | RecordingRule, data: DataValue, alone: RulesToTest) => {
    const name = `${group.name}.${rule.node.id}`;
    return [name, { rules: file(data), tests: promtoolTests(`${name}.yml`, group.runbook, alone) }] as const;
  };
  return Object.fromEntries([
    ...group.records.map((rule) => entry(rule, rule.toData(), { alerts: [], records: [rule] })),
    ...group.alerts.map((rule) => entry(rule, rule.toData(group.runbook), { alerts: [rule], records: [] })),
  ]);
}

function recordTest(rule: RecordingRule, test: RecordingRule['props']['tests'][number]): DataValue {
  return {
    name: `${rule.props.record}: ${test.name}`,
    interval: (test.interval ?? Duration.minutes(1)).toString(),
    input_series: inputs(test.series),
    promql_expr_test: [
      {
        // promtool compares the last bit; a millionth is near enough.
        expr: `round(${selectorOf(rule)}, 0.000001)`,
        eval_time: test.at.toString(),
        exp_samples: Object.entries(test.gives).map(([labels, value]) => ({
          labels,
          value: Number(value.toFixed(6)),
        })),
      },
    ],
  };
}

function selectorOf({ props, labels }: RecordingRule): string {
  const matchers = Object.entries(labels).map(([name, value]) => `${name}=${JSON.stringify(value)}`);
  return matchers.length === 0 ? props.record : `${props.record}{${matchers.join(',')}}`;
}

function alertTest(rule: AlertRule, test: AlertTest, runbookBase: string): DataValue {
  return {
    name: `${rule.alert}: ${test.name}`,
    interval: (test.interval ?? Duration.minutes(1)).toString(),
    input_series: inputs(test.series),
    alert_rule_test: questions(rule, test, runbookBase),
  };
}

function questions(rule: AlertRule, test: AlertTest, runbookBase: string): DataValue[] {
  const wait = rule.for.toSeconds();
  const ask = (seconds: number, alerts: readonly FiringAlert[]): DataValue => ({
    eval_time: Duration.seconds(seconds).toString(),
    alertname: rule.alert,
    ...(alerts.length === 0 ? {} : { exp_alerts: alerts.map((alert) => expected(rule, alert, runbookBase)) }),
  });
  if (!isFiring(test)) return [ask(test.at?.toSeconds() ?? wait + 5 * STEP_SEC, [])];
  const from = (test.since?.toSeconds() ?? 0) + wait;
  const end = (test.until?.toSeconds() ?? 0) + rule.keepFiringFor.toSeconds();
  return [
    ...(from >= STEP_SEC ? [ask(from - STEP_SEC, [])] : []),
    ask(from, test.fires),
    ...(test.until === undefined ? [] : [ask(end - STEP_SEC, test.fires), ask(end, [])]),
  ];
}

function expected(rule: AlertRule, { labels, value }: FiringAlert, runbookBase: string): DataValue {
  const all = { ...labels, ...rule.labels };
  return {
    exp_labels: all,
    exp_annotations: Object.fromEntries(
      Object.entries(rule.annotations(runbookBase)).map(([name, text]) => [
        name,
        // Texts see the labels of the series, and not those that the rule adds.
        fillAnnotation(text, labels, value),
      ]),
    ),
  };
}

function inputs(series: Readonly<Record<string, string>>): DataValue[] {
  return Object.entries(series).map(([selector, values]) => ({ series: selector, values }));
}
