import { renderYaml, type DataValue } from '../../../render/index.js';
import { Duration } from '../../units.js';
import type { AlertRule } from './alert-rule.js';
import { fillAnnotation } from './annotation.js';
import type { RecordingRule } from './recording-rule.js';
import type { RuleGroup } from './rule-group.js';
import { isFiring, type AlertTest, type FiringAlert } from './rule-test.js';

/** Rules are evaluated this often in their tests: the finest step of a `for`. */
const STEP_SEC = 60;

/**
 * A file for `promtool test rules`.
 *
 * @param ruleFile the file that the rules stand in, relative to the test file
 */
export function promtoolTests(
  ruleFile: string,
  runbookBase: string,
  rules: { readonly alerts: readonly AlertRule[]; readonly records: readonly RecordingRule[] },
): string {
  return renderYaml({
    rule_files: [ruleFile],
    evaluation_interval: '1m',
    tests: [
      ...rules.records.flatMap((rule) => rule.props.tests.map((test) => recordTest(rule, test))),
      ...rules.alerts.flatMap((rule) => rule.props.tests.map((test) => alertTest(rule, test, runbookBase))),
    ],
  });
}

/** All rules of a group, for a rule file of the group's name beside the test file. */
export function groupTests(group: RuleGroup): string {
  return promtoolTests(`${group.name}.yml`, group.runbook, group);
}

function recordTest(rule: RecordingRule, test: RecordingRule['props']['tests'][number]): DataValue {
  return {
    name: `${rule.props.record}: ${test.name}`,
    interval: (test.interval ?? Duration.minutes(1)).toString(),
    input_series: inputs(test.series),
    promql_expr_test: [
      {
        expr: selectorOf(rule),
        eval_time: test.at.toString(),
        exp_samples: Object.entries(test.gives).map(([labels, value]) => ({
          labels: `${rule.props.record}${labels}`,
          value,
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
  return [...(from >= STEP_SEC ? [ask(from - STEP_SEC, [])] : []), ask(from, test.fires)];
}

function expected(rule: AlertRule, { labels, value }: FiringAlert, runbookBase: string): DataValue {
  const all = { ...labels, ...rule.labels };
  return {
    exp_labels: all,
    exp_annotations: Object.fromEntries(
      Object.entries(rule.annotations(runbookBase)).map(([name, text]) => [
        name,
        fillAnnotation(text, all, value),
      ]),
    ),
  };
}

function inputs(series: Readonly<Record<string, string>>): DataValue[] {
  return Object.entries(series).map(([selector, values]) => ({ series: selector, values }));
}
