import { secret } from '../../constructs/secret.js';
import { Duration } from '../../constructs/units.js';
import { byKey } from '../../text/order.js';
import type { PrometheusServer } from './prometheus-server.js';
import type { ScrapeInventory } from './schema/scrape.js';

/** Scrapes what the inventory adds: exporters that no role knows. */
export function addOtherTargets(prometheus: PrometheusServer, scrape: ScrapeInventory): void {
  for (const [job, entry] of Object.entries(scrape).sort(byKey)) {
    const { targets, labels, path, intervalSec, timeoutSec, honorLabels, relabel, metricRelabel } = entry;
    prometheus.configureJob(job, {
      ...(path !== undefined && { path }),
      ...(intervalSec !== undefined && { interval: Duration.seconds(intervalSec) }),
      ...(timeoutSec !== undefined && { timeout: Duration.seconds(timeoutSec) }),
      client: clientOf(prometheus, job, entry),
      extra: {
        ...(honorLabels && { honor_labels: true }),
        ...(relabel !== undefined && { relabel_configs: relabel.map(withoutGaps) }),
        ...(metricRelabel !== undefined && { metric_relabel_configs: metricRelabel.map(withoutGaps) }),
      },
    });
    for (const address of targets) prometheus.addTarget({ job, address, labels });
  }
}

function clientOf(
  prometheus: PrometheusServer,
  job: string,
  { https, caFile, username, password, bearerToken }: ScrapeInventory[string],
) {
  return {
    ...(https && { scheme: 'https' as const }),
    ...(caFile !== undefined && { tls_config: { ca_file: caFile } }),
    ...(username !== undefined &&
      password !== undefined && {
        basic_auth: { username, password_file: prometheus.addSecret(`scrape-${job}`, secret(password)) },
      }),
    ...(bearerToken !== undefined && {
      authorization: {
        type: 'Bearer' as const,
        credentials_file: prometheus.addSecret(`scrape-${job}`, secret(bearerToken)),
      },
    }),
  };
}

type Gapless<T> = { readonly [K in keyof T]?: Exclude<T[K], undefined> };

function withoutGaps<T extends object>(value: T): Gapless<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Gapless<T>;
}
