/** One name that a `/metrics` page or Prometheus itself gives. */
export interface Metric {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram' | 'summary';
  /** Labels that it comes with, sorted; those of its scrape target stand in {@link MetricSource}. */
  readonly labels: readonly string[];
  /** What it is, in one sentence. */
  readonly help: string;
}

/** Metrics that come from one kind of scrape target, and so share its labels. */
export interface MetricSource {
  /** Scrape jobs that give them; empty: every job. */
  readonly jobs: readonly string[];
  /** Labels of the scrape target. */
  readonly targetLabels: readonly string[];
  readonly metrics: readonly Metric[];
}

const make =
  (type: Metric['type']) =>
  (name: string, labels: string, help: string): Metric => ({
    name,
    type,
    labels: labels.split(' ').filter(Boolean).sort(),
    help,
  });

/** `gauge('node_load1', '', '…')`; labels are separated by blanks. */
export const gauge = make('gauge');
export const counter = make('counter');
/** By its family's name: `x` gives `x_bucket` (with `le`), `x_sum` and `x_count`. */
export const histogram = make('histogram');
/** By its family's name: `x` (with `quantile`), `x_sum` and `x_count`. */
export const summary = make('summary');
