import { AlertCatalogue } from '../lib/constructs/monitoring/alerts/index.js';
import { DevOpsServer, type GrafanaServerProps } from '../lib/constructs/monitoring/index.js';
import { dashboardFiles } from '../lib/constructs/monitoring/dashboards/index.js';
import { secret } from '../lib/constructs/secret.js';
import { Duration, Size } from '../lib/constructs/units.js';
import type { MonitoringInventory } from '../lib/inventory/index.js';
import { alertRouting } from './alerting.js';
import { alertFacts } from './alert-facts.js';
import type { Fleet, Member } from './fleet.js';

/** The monitoring server: it scrapes every host of the fleet. Does nothing for a host whose inventory has no `monitoring`. */
export function addDevOps({ host, inventory }: Member, fleet: Fleet): void {
  const { monitoring, address } = inventory;
  if (monitoring === undefined || address === undefined) return;
  const { prometheus, alertmanager, grafana, blackbox } = monitoring;
  const urlOf = (port: number): string =>
    `http://${address.includes(':') ? `[${address}]` : address}:${port}`;

  new DevOpsServer(host, 'dev-ops', {
    alertmanager: {
      port: alertmanager.port,
      reach: fleet.operators,
      externalUrl: urlOf(alertmanager.port),
      ...alertRouting(alertmanager),
    },
    prometheus: {
      port: prometheus.port,
      reach: [...fleet.operators, ...fleet.aiNodes],
      externalUrl: urlOf(prometheus.port),
      scrapeInterval: Duration.seconds(prometheus.scrapeIntervalSec),
      retention: Duration.days(prometheus.retentionDays),
      ...(prometheus.retentionSizeGiB !== undefined && {
        retentionSize: Size.gibibytes(prometheus.retentionSizeGiB),
      }),
    },
    blackbox: { port: blackbox.port },
    ...(grafana !== undefined && {
      grafana: {
        port: grafana.port,
        reach: [...fleet.operators, ...fleet.aiNodes],
        rootUrl: urlOf(grafana.port),
        adminPassword: secret(grafana.adminPassword),
        source: grafanaSource(grafana, fleet),
        dashboards: dashboardFiles(fleet.dashboardFacts),
      },
    }),
    targets: fleet.scrapeTargets,
    probes: fleet.probes,
  });
  new AlertCatalogue(host, 'alerts', { ...alertFacts(fleet), runbook: monitoring.runbookBaseUrl });
}

function grafanaSource(
  grafana: NonNullable<MonitoringInventory['grafana']>,
  fleet: Fleet,
): GrafanaServerProps['source'] {
  if (grafana.package !== undefined) return { file: grafana.package };
  const { url = '', suite = '', components = [], key = '' } = grafana.repository ?? {};
  return { repository: { url, suite, components, key: fleet.inventory.texts?.[key] ?? '' } };
}
