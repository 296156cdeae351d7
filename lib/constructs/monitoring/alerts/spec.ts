import type { Thresholds } from '../../../inventory/index.js';
import { Duration } from '../../units.js';
import type {
  AlertRuleProps,
  FiringAlert,
  FiringTest,
  RecordingRuleProps,
  RunbookCommand,
  Severity,
  SilentTest,
  TestSeries,
} from '../rules/index.js';

/** A job that Prometheus has to have a target of on a host. */
export interface WatchedTarget {
  readonly job: string;
  readonly host: string;
}

/** What alerts can be made from, next to what a role knows of its own hosts. */
export interface AlertFacts {
  readonly thresholds: Thresholds;
  /** Scrape jobs that have a target. */
  readonly jobs: readonly string[];
  /** Which jobs have a target on which host; sorted. */
  readonly targets: readonly WatchedTarget[];
  /** Whether some probe goes to an https address. */
  readonly tls: boolean;
}

export type AlertSpec = AlertRuleProps & { readonly alert: string };

/** A group of rules as data; {@link AlertCatalogue} makes constructs of it. */
export interface GroupSpec {
  readonly name: string;
  readonly interval?: Duration;
  readonly records?: readonly RecordingRuleProps[];
  readonly alerts: readonly AlertSpec[];
}

export function alert(
  name: string,
  severity: Severity,
  props: Omit<AlertRuleProps, 'alert' | 'severity'>,
): AlertSpec {
  return { alert: name, severity, ...props };
}

export const minutes = (count: number): Duration => Duration.minutes(count);

/**
 * For what happened and is over, and a person is to know: it fires from the end of a Friday's work to the beginning of Monday's, and an hour or
 * two, and its label lets routes tell it once.
 */
export const EVENT = { keepFiringFor: Duration.hours(64), labels: { told: 'once' } } as const;

/** Targets as they stand in tests. */
export const NODE = { host: 'a', instance: 'a:9100', job: 'node' } as const;
export const CITADEL = { host: 'a', instance: 'a:8000', job: 'citadel' } as const;
export const target = (job: string) => ({ host: 'b', instance: `b:${job}`, job });

/** `up{job="node"}` */
export function series(metric: string, labels: Readonly<Record<string, string>> = {}): string {
  return `${metric}{${Object.entries(labels)
    .map(([name, value]) => `${name}=${JSON.stringify(value)}`)
    .join(',')}}`;
}

/** The same value for two hours and more of a test with a step of a minute. */
export const steady = (value: number, steps = 150): string => `${neat(value)}x${steps}`;
/** A counter that grows by `step`. */
export const growing = (step: number, steps = 150, start = 0): string =>
  `${neat(start)}+${neat(step)}x${steps}`;
/** `before` for `steps` steps, then `after`. */
export const turning = (before: number, after: number, steps: number): string =>
  `${steady(before, steps - 1)} ${steady(after)}`;
/** A time stamp that is `seconds` old after `atMinutes`, and older from then on. */
export const aged = (seconds: number, atMinutes = 10): string => steady(atMinutes * 60 - seconds);

/** A little above and below a level: a rule whose level moves by more is found out. */
export const above = (level: number): number => neat(level * 1.01);
export const below = (level: number): number => neat(level * 0.99);

/** Without the noise of binary fractions. */
export function neat(value: number): number {
  return Number(value.toPrecision(12));
}

export function fires(
  name: string,
  given: TestSeries,
  alerts: FiringAlert | readonly FiringAlert[],
  since?: Duration,
): FiringTest {
  const list = Array.isArray(alerts) ? (alerts as readonly FiringAlert[]) : [alerts as FiringAlert];
  return { name, series: given, fires: list, ...(since === undefined ? {} : { since }) };
}

export function silent(name: string, given: TestSeries, at?: Duration): SilentTest {
  return { name, series: given, silent: true, ...(at === undefined ? {} : { at }) };
}

/** A command of the runbook: where, what to type, what it shows. */
export function on(host: string, type: string, why: string): RunbookCommand {
  return { on: host, type, why };
}

/**
 * What has to be there, as data: a series for each, with these labels. An alert takes away what is there
 * (`unless on (…)`). One query that named them all would grow with the fleet until Prometheus, and we, refuse to read it.
 *
 * @param record its name, `level:metric:operation`
 */
export function expected(
  record: string,
  things: readonly Readonly<Record<string, string>>[],
): RecordingRuleProps[] {
  return things.map((labels) => ({
    record,
    expr: 'vector(1)',
    labels,
    tests: [{ name: 'always', series: {}, at: minutes(1), gives: { [series('', labels)]: 1 } }],
  }));
}
