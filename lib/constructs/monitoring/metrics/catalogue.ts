import { by } from '../../../text/order.js';
import { suggest } from '../../../text/suggest.js';
import { ALERTMANAGER } from './alertmanager.js';
import { BLACKBOX, PROBES } from './blackbox.js';
import { CITADEL } from './citadel.js';
import { EVERY_TARGET } from './every-target.js';
import { GRAFANA } from './grafana.js';
import { HAPROXY } from './haproxy.js';
import type { Metric, MetricSource } from './metric.js';
import { NODE } from './node.js';
import { PROMETHEUS } from './prometheus.js';
import { TEXTFILES } from './textfiles.js';
import { RETIRED_VLLM, VLLM } from './vllm.js';

/** Everything that the targets of this fleet give. */
export const SOURCES: readonly MetricSource[] = [
  EVERY_TARGET,
  NODE,
  TEXTFILES,
  CITADEL,
  VLLM,
  PROMETHEUS,
  ALERTMANAGER,
  PROBES,
  BLACKBOX,
  GRAFANA,
  HAPROXY,
];

/** A series' name as queries use it: `x_bucket` of a histogram `x` is one. */
export interface SeriesName {
  readonly name: string;
  readonly metric: Metric;
  /** Every label it can have, its target's included. */
  readonly labels: ReadonlySet<string>;
}

/** The names that queries may use, and what they are. */
export class MetricCatalogue {
  private readonly names = new Map<string, SeriesName>();

  constructor(sources: readonly MetricSource[] = SOURCES) {
    for (const { metrics, targetLabels } of sources) {
      for (const metric of metrics) {
        for (const [name, extra] of seriesOf(metric)) {
          this.names.set(name, {
            name,
            metric,
            labels: new Set([...metric.labels, ...targetLabels, ...extra]),
          });
        }
      }
    }
  }

  /** `undefined` when nothing gives it. */
  find(name: string): SeriesName | undefined {
    return this.names.get(name);
  }

  /** Sorted. */
  get all(): SeriesName[] {
    return [...this.names.values()].sort(by(({ name }) => name));
  }

  /** What to write instead of a name that nothing gives, in words. `more`: names of recording rules. */
  advice(name: string, more: Iterable<string> = []): string {
    const retired = RETIRED_VLLM.get(name.replace(/_(bucket|sum|count)$/, ''));
    if (retired === '') return 'vLLM gave it up with its first engine: leave it out';
    if (retired !== undefined) return `vLLM renamed it: use "${retired}${suffixOf(name, retired)}"`;
    const near = suggest(name, [...this.names.keys(), ...more]);
    if (near !== undefined) return `Did you mean "${near}"?`;
    return 'Correct the name, or contribute it as "metrics" with the role whose targets give it (docs/roles.md)';
  }
}

function suffixOf(name: string, replacement: string): string {
  return replacement.endsWith('_total') ? '' : (/_(bucket|sum|count)$/.exec(name)?.[0] ?? '');
}

function seriesOf({ name, type }: Metric): [string, string[]][] {
  if (type === 'histogram') {
    return [
      [`${name}_bucket`, ['le']],
      [`${name}_sum`, []],
      [`${name}_count`, []],
    ];
  }
  if (type === 'summary') {
    return [
      [name, ['quantile']],
      [`${name}_sum`, []],
      [`${name}_count`, []],
    ];
  }
  return [[name, []]];
}

/** What this project's targets give. */
export const METRICS = new MetricCatalogue();
