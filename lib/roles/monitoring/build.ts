import { AlertCatalogue } from './alerts/index.js';
import { DevOpsServer, type GrafanaAccess, type GrafanaServerProps } from './index.js';
import { addOtherTargets } from './other-targets.js';
import { dashboardFiles } from './dashboards/index.js';
import { secret } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
import type { MonitoringInventory } from './schema/monitoring.js';
import { hostPort } from '../../text/address.js';
import { alertRouting } from './alerting.js';
import { alertFacts } from './alert-facts.js';
import type { Fleet, Member } from '../../site/index.js';
import { monitoringServices } from './coverage.js';
import { dashboards } from './dashboard-facts.js';
import { provisioned } from './site/dashboard-file.js';
import { SiteMonitoring, siteName, type SiteFiles } from './site/site-files.js';
import './keys.js';
import { MonitoredService } from '../../constructs/monitoring/coverage.js';

/** The monitoring server: it scrapes every host of the fleet. Does nothing for a host whose inventory has no `monitoring`. */
export function buildMonitoring(member: Member, fleet: Fleet): void {
  const { host, inventory } = member;
  const { monitoring, address } = inventory;
  if (monitoring === undefined || address === undefined) return;
  const { prometheus, alertmanager, grafana, blackbox } = monitoring;
  const urlOf = (port: number): string => `http://${hostPort(address, port)}`;

  const textsOf = (names: readonly string[]): SiteFiles =>
    Object.fromEntries(names.map((name) => [name, fleet.inventory.texts?.[name] ?? '']));
  const own = { rules: textsOf(monitoring.rules), dashboards: textsOf(monitoring.dashboards) };
  const clients = fleet.hostsThat('client');
  const server = new DevOpsServer(host, 'dev-ops', {
    alertmanager: {
      port: alertmanager.port,
      reach: fleet.operators,
      externalUrl: urlOf(alertmanager.port),
      ...alertRouting(alertmanager, host.os),
    },
    prometheus: {
      port: prometheus.port,
      reach: [...fleet.operators, ...clients],
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
        reach: [...fleet.operators, ...clients],
        rootUrl: urlOf(grafana.port),
        adminPassword: secret(grafana.adminPassword),
        ...(grafana.importPassword !== undefined && { importPassword: secret(grafana.importPassword) }),
        source: grafanaSource(grafana, fleet),
        access: grafanaAccess(grafana),
        dashboards: { ...dashboardFiles(dashboards(fleet)), ...siteDashboards(own.dashboards) },
      },
    }),
    targets: fleet.of('scrape-target'),
    probes: fleet.of('probe'),
  });
  addOtherTargets(server.prometheus, monitoring.scrape);
  new SiteMonitoring(host, 'own', {
    ...own,
    prometheus: server.prometheus,
    grafana: grafana !== undefined,
  });
  new AlertCatalogue(host, 'alerts', {
    ...alertFacts(fleet),
    contributed: fleet.of('alerts').map(({ group }) => group),
    metrics: fleet.of('metrics').map(({ source }) => source),
    runbook: monitoring.runbookBaseUrl,
  });
  MonitoredService.addAll(host, monitoringServices(member));
}

function siteDashboards(files: SiteFiles): Record<string, string> {
  return Object.fromEntries(Object.entries(files).map(([file, text]) => [siteName(file), provisioned(text)]));
}

function grafanaSource(
  grafana: NonNullable<MonitoringInventory['grafana']>,
  fleet: Fleet,
): GrafanaServerProps['source'] {
  const pinned = grafana.version === undefined ? {} : { version: grafana.version };
  if (grafana.package !== undefined) return { file: grafana.package, ...pinned };
  const { url = '', suite = '', components = [], key = '' } = grafana.repository ?? {};
  return { repository: { url, suite, components, key: fleet.inventory.texts?.[key] ?? '' }, ...pinned };
}

function grafanaAccess({
  anonymousViewers,
  oauth,
  smtp,
}: NonNullable<MonitoringInventory['grafana']>): GrafanaAccess {
  return defined({
    anonymousViewers,
    oauth: oauth && defined({ ...oauth, clientSecret: secret(oauth.clientSecret) }),
    smtp:
      smtp && defined({ ...smtp, password: smtp.password === undefined ? undefined : secret(smtp.password) }),
  });
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** Without the members that are not there. */
function defined<T extends object>(value: T): Defined<T> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as Defined<T>;
}
