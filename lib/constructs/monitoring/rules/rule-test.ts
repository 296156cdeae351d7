import type { Duration } from '../../units.js';

/** Input series: a selector such as `up{job="node"}` → values in promtool's notation (`1x10`, `0+60x5`, `_x3 1`). */
export type TestSeries = Readonly<Record<string, string>>;

interface TestOfRule {
  /** What it shows, for people. */
  readonly name: string;
  readonly series: TestSeries;
  /** Time between two values. @default Duration.minutes(1) */
  readonly interval?: Duration;
}

/**
 * The alert fires. Asked twice: one step before, when it still has to be silent, and at the moment when `for` has passed
 * since `since`.
 */
export interface FiringTest extends TestOfRule {
  /** From when on the expression is true. @default - the beginning */
  readonly since?: Duration;
  /** From when on the expression is no longer true: asked as well is whether the alert ends when `keepFiringFor` has passed. @default - it stays true */
  readonly until?: Duration;
  /** All alerts that fire then. */
  readonly fires: readonly FiringAlert[];
}

export interface FiringAlert {
  /** Labels of the series that made it fire; `severity` and the rule's own labels are added. */
  readonly labels: Readonly<Record<string, string>>;
  /** Value of the expression; needed where a text of the alert shows it. */
  readonly value?: number;
}

/** The alert stays silent. */
export interface SilentTest extends TestOfRule {
  readonly silent: true;
  /** When it is asked. @default - five minutes after a true expression would have fired */
  readonly at?: Duration;
}

export type AlertTest = FiringTest | SilentTest;

/** What a recording rule gives. */
export interface RecordTest extends TestOfRule {
  readonly at: Duration;
  /** All of its series at that moment: labels without the name (`{host="a"}`) → value. */
  readonly gives: Readonly<Record<string, number>>;
}

export const isFiring = (test: AlertTest): test is FiringTest => 'fires' in test;
