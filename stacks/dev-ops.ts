import { Alertmanager, Prometheus } from '../lib/constructs/monitoring/index.js';
import { Duration, Size } from '../lib/constructs/units.js';
import type { Fleet, Member } from './fleet.js';
import { alertRules } from './rules.js';

/** The monitoring server: it scrapes every host of the fleet. Does nothing for a host whose inventory has no `monitoring`. */
export function addDevOps({ host, inventory }: Member, fleet: Fleet): void {
  const { monitoring } = inventory;
  if (monitoring === undefined) return;
  const { prometheus: settings, alertmanager } = monitoring;

  new Alertmanager(host, 'alertmanager', {
    port: alertmanager.port,
    reach: fleet.operators,
    ...(alertmanager.webhook === undefined ? {} : { webhook: alertmanager.webhook }),
  });
  const prometheus = new Prometheus(host, 'prometheus', {
    port: settings.port,
    reach: fleet.operators,
    scrapeInterval: Duration.seconds(settings.scrapeIntervalSec),
    retention: Duration.days(settings.retentionDays),
    ...(settings.retentionSizeGiB === undefined
      ? {}
      : { retentionSize: Size.gibibytes(settings.retentionSizeGiB) }),
    alertmanagers: [`127.0.0.1:${alertmanager.port}`],
  });
  for (const target of fleet.scrapeTargets) prometheus.addTarget(target);
  const rules = alertRules({ thresholds: fleet.inventory.thresholds, backupHosts: fleet.backupHosts });
  for (const [name, text] of Object.entries(rules)) prometheus.addRules(name, text);
}
