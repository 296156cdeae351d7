import { Duration } from '../../../constructs/units.js';
import type { Severity } from '../../../constructs/monitoring/rules/index.js';

/** Windows that ratios are recorded over. */
export const WINDOWS = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const;
export type Window = (typeof WINDOWS)[number];

/**
 * Pairs of windows: the long one says that it matters, the short one that it still goes on. `factor`: how many times faster
 * than in thirty days the budget is used up (14.4: a fiftieth of it within the hour).
 */
export const BURNS: readonly {
  readonly long: Window;
  readonly short: Window;
  readonly factor: number;
  readonly severity: Severity;
  readonly wait: Duration;
}[] = [
  { long: '1h', short: '5m', factor: 14.4, severity: 'critical', wait: Duration.minutes(2) },
  { long: '6h', short: '30m', factor: 6, severity: 'critical', wait: Duration.minutes(15) },
  { long: '1d', short: '2h', factor: 3, severity: 'warning', wait: Duration.hours(1) },
  { long: '3d', short: '6h', factor: 1, severity: 'warning', wait: Duration.hours(3) },
];

/** One where a model serves no one: it is probed from the monitoring server, and by its own node for a token. */
export const DOWN = 'model:down:max';
export const PROBES = 'slo:model_probe_failures:ratio_over';
export const HTTP_ERRORS = 'slo:model_http_errors:ratio_rate';
export const ENGINE_ERRORS = 'slo:model_engine_errors:ratio_rate';
export const ERRORS = 'slo:model_request_errors:ratio_rate';
export const REQUESTS = 'slo:model_requests:per_hour_over';
export const FAILED = 'slo:model_failed_requests:per_hour_over5m';
export const LATE = 'slo:model_first_tokens_late:ratio_rate';
export const ANSWERS = 'slo:model_answers:per_hour_over';
export const LATE_ANSWERS = 'slo:model_late_answers:per_hour_over5m';
/** What is left of what thirty days allow: 1 is all of it, below 0 the promise is broken. */
export const AVAILABILITY_LEFT = 'slo:model_availability_budget:left_ratio30d';
export const FIRST_TOKEN_LEFT = 'slo:model_first_token_budget:left_ratio30d';
