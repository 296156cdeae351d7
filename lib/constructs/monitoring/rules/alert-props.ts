import type { Duration } from '../../units.js';
import type { AlertTest } from './rule-test.js';
import type { Runbook } from './runbook.js';

export const SEVERITIES = ['critical', 'warning', 'info', 'none'] as const;
/** `critical` wakes a person, `warning` waits for the morning, `info` is only shown, `none` is for machines. */
export type Severity = (typeof SEVERITIES)[number];

export interface AlertRuleProps {
  /** CamelCase. Two rules may share it (two severities, two models), and then share the section of the runbook. @default - the id */
  readonly alert?: string;
  /** PromQL; true where it gives a series. */
  readonly expr: string;
  /** How long it has to be true. @default Duration.seconds(0) */
  readonly for?: Duration;
  /**
   * How long it goes on after it has ceased to be true: near a level it would otherwise end and begin again, with two messages each time. One of
   * the firing tests then says `until`. @default Duration.seconds(0)
   */
  readonly keepFiringFor?: Duration;
  readonly severity: Severity;
  /** More labels of the alert. @default {} */
  readonly labels?: Readonly<Record<string, string>>;
  /** One line: what is wrong, and where. May hold `{{ $labels.x }}` and `{{ $value | humanize }}`. */
  readonly summary: string;
  /** What it means, for someone who does not know the rule. */
  readonly description: string;
  readonly runbook: Runbook;
  /** At least one that fires and one that stays silent. */
  readonly tests: readonly AlertTest[];
}

/** What the checks of an alert look at. */
export interface AlertFacts {
  readonly alert: string;
  readonly for: Duration;
  readonly keepFiringFor: Duration;
  /** Its own labels, the severity among them. */
  readonly labels: Readonly<Record<string, string>>;
  readonly props: AlertRuleProps;
}
