import type { DataValue } from '../../render/index.js';
import type { ScrapeTarget } from '../../constructs/monitoring/scraper.js';
import { Duration } from '../../constructs/units.js';
import { by, byKey } from '../../text/order.js';
import type { ClientConfig } from './web-config.js';

/** How the targets of one job are asked. What is not said is Prometheus's default. */
export interface ScrapeJob {
  /** Path of the metrics. @default '/metrics' */
  readonly path?: string;
  /** @default - the global interval */
  readonly interval?: Duration;
  /** @default - the global time limit */
  readonly timeout?: Duration;
  /** TLS and account. @default - plain HTTP */
  readonly client?: ClientConfig;
  /** More of the job, as Prometheus names it: `honor_labels`, `metric_relabel_configs`. @default {} */
  readonly extra?: Readonly<Record<string, DataValue>>;
  /** The targets are asked by a blackbox exporter. @default - Prometheus asks them itself */
  readonly prober?: {
    /** `address:port` of the exporter. */
    readonly address: string;
    readonly module: string;
  };
}

/** Folder of the files of targets, one a job. */
export const TARGETS = '/etc/prometheus/targets';

/** `scrape_timeout` where nothing is said: Prometheus’s default, or the interval where that is shorter. */
const DEFAULT_TIMEOUT = Duration.seconds(10);

/** One entry of `scrape_configs`. */
export type ScrapeConfig = { readonly job_name: string } & { readonly [key: string]: DataValue };

/** Where the targets of a job stand. Prometheus reads them again by itself when they change. */
export function targetsFile(job: string): string {
  return `${TARGETS}/${job.replace(/[^A-Za-z0-9_-]/g, '_')}.yml`;
}

/** `scrape_configs` of prometheus.yml: jobs sorted, so that the order of declarations never shows. */
export function scrapeConfigs(
  jobs: Iterable<string>,
  settings: Readonly<Record<string, ScrapeJob>> = {},
): ScrapeConfig[] {
  return [...new Set(jobs)].sort().map((job) => ({
    job_name: job,
    ...jobConfig(settings[job] ?? {}),
    ...settings[job]?.extra,
    file_sd_configs: [{ files: [targetsFile(job)] }],
    ...relabelling(settings[job]?.prober),
  }));
}

/** What a file of targets holds: targets and labels sorted. */
export function targetGroups(targets: readonly ScrapeTarget[]): DataValue[] {
  return [...targets].sort(by(({ address }) => address)).map(({ address, labels }) => ({
    targets: [address],
    labels: Object.fromEntries(Object.entries(labels).sort(byKey)),
  }));
}

/**
 * How long a reload may wait for scrapes that are under way: Prometheus ends one job after the other, and each of its
 * targets that does not answer keeps it until its time limit. While it waits it does not answer for its metrics either.
 */
export function reloadWait(
  targets: readonly ScrapeTarget[],
  settings: Readonly<Record<string, ScrapeJob>>,
  interval: Duration,
): Duration {
  const jobs = new Set(targets.map(({ job }) => job));
  const waits = [...jobs].map((job) => scrapeTimeout(settings[job] ?? {}, interval).toMilliseconds());
  return Duration.milliseconds(waits.reduce((sum, wait) => sum + wait, 0));
}

function scrapeTimeout({ interval, timeout }: ScrapeJob, global: Duration): Duration {
  if (timeout !== undefined) return timeout;
  const limits = [DEFAULT_TIMEOUT, interval ?? global].map((limit) => limit.toMilliseconds());
  return Duration.milliseconds(Math.min(...limits));
}

function jobConfig({ path, interval, timeout, client = {}, prober }: ScrapeJob): Record<string, DataValue> {
  return {
    ...(interval !== undefined && { scrape_interval: interval.toString() }),
    ...(timeout !== undefined && { scrape_timeout: timeout.toString() }),
    ...(prober === undefined
      ? path !== undefined && { metrics_path: path }
      : { metrics_path: '/probe', params: { module: [prober.module] } }),
    ...(client as Record<string, DataValue>),
  };
}

/** The exporter is asked, the target is its parameter, and the target's name stays the instance. */
function relabelling(prober: ScrapeJob['prober']): Record<string, DataValue> {
  if (prober === undefined) return {};
  return {
    relabel_configs: [
      { source_labels: ['__address__'], target_label: '__param_target' },
      { source_labels: ['__param_target'], target_label: 'instance' },
      { target_label: '__address__', replacement: prober.address },
    ],
  };
}
