import type { Thresholds } from '../../../inventory/index.js';
import type { PanelSpec, Query, Step } from './spec.js';

/** What the dashboards of a fleet are made from. */
export interface DashboardFacts {
  readonly thresholds: Thresholds;
  /** Names of all hosts, sorted. */
  readonly hosts: readonly string[];
  /** Hosts with GPUs and models, sorted. */
  readonly aiHosts: readonly string[];
  readonly backups: boolean;
}

/** Uids are addresses: dashboards, alerts and people's bookmarks hold them. */
export const UID = {
  overview: 'citadel-overview',
  models: 'citadel-models',
  model: 'citadel-model',
  gpus: 'citadel-gpus',
  hosts: 'citadel-hosts',
  storage: 'citadel-storage',
  monitoring: 'citadel-monitoring',
  gateway: 'citadel-gateway',
} as const;

type Short = Partial<Omit<PanelSpec, 'kind' | 'title' | 'queries'>> &
  Pick<PanelSpec, 'width' | 'unit' | 'description'>;

const make =
  (kind: PanelSpec['kind']) =>
  (title: string, queries: string | readonly Query[], rest: Short): PanelSpec => ({
    kind,
    title,
    queries: typeof queries === 'string' ? [{ expr: queries }] : queries,
    ...rest,
  });

export const stat = make('stat');
export const gauge = make('gauge');
export const timeseries = make('timeseries');
export const timeline = make('timeline');
export const table = make('table');

export const query = (expr: string, legend: string): Query => ({ expr, legend });

/** Yellow from the first level, red from the second. */
export const levels = (warning: number, critical: number): Step[] => [
  { from: warning, color: 'yellow' },
  { from: critical, color: 'red' },
];
/** Any at all is bad. */
export const NONE_IS_WELL: readonly Step[] = [{ from: 1, color: 'red' }];

export const UP_OR_DOWN = {
  0: { text: 'down', color: 'red' },
  1: { text: 'up', color: 'green' },
} as const;
export const WELL_OR_NOT = {
  0: { text: 'not well', color: 'red' },
  1: { text: 'well', color: 'green' },
} as const;

/** `histogram_quantile` over a histogram's buckets, by the given labels. */
export function quantile(q: number, histogram: string, by = 'model', selector = ''): string {
  return `histogram_quantile(${q}, sum by (le, ${by}) (rate(${histogram}_bucket${selector}[$__rate_interval])))`;
}
