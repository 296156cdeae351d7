export { SEVERITIES, type AlertRuleProps, type Severity } from './alert-props.js';
export { AlertRule } from './alert-rule.js';
export { fillAnnotation, parseAnnotation } from './annotation.js';
export { groupTests, promtoolTests } from './promtool-tests.js';
export { RecordingRule, type RecordingRuleProps } from './recording-rule.js';
export { RuleGroup, type RuleGroupProps } from './rule-group.js';
export {
  isFiring,
  type AlertTest,
  type FiringAlert,
  type FiringTest,
  type RecordTest,
  type SilentTest,
  type TestSeries,
} from './rule-test.js';
export { isRunbookBase, runbookUrl, type Runbook, type RunbookCommand } from './runbook.js';
