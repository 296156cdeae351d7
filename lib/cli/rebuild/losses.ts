import type { Weights } from '../../engine/recovery/weights.js';
import type { HostManifest } from '../../manifest/index.js';
import { hasModels, missingModels } from './at-rest.js';

/** Something that a rebuild cannot bring back, and what a person can do about it. */
export interface Loss {
  readonly what: string;
  readonly fix: string;
}

/** What is lost with a root disk whatever is rebuilt: known from the configuration alone. */
export function lossesOf(manifest: HostManifest): Loss[] {
  const units = manifest.units ?? {};
  const losses: Loss[] = [];
  if (units['prometheus.service'] !== undefined) {
    losses.push({
      what: 'metrics from before: Prometheus’ time series have no backup',
      fix: 'Graphs and alerts begin again; alerts that look at days know them in days.',
    });
  }
  if (units['prometheus-alertmanager.service'] !== undefined) {
    losses.push({
      what: 'silences of Alertmanager, and what it has told already',
      fix: 'Silence again what is being worked on; alerts that are still true are sent once more.',
    });
  }
  if (units['grafana-server.service'] !== undefined) {
    losses.push({
      what: 'Grafana’s own database: accounts, and dashboards made by hand',
      fix: 'Dashboards of the configuration are back. Put others into the configuration before the next time.',
    });
  }
  if (hasModels(manifest)) {
    losses.push({
      what: 'logs, the history of alerts, caches and performance baselines of the node',
      fix: 'Take a new baseline: /opt/citadel/scripts/performance_baseline.py. Reports of this month begin today.',
    });
    losses.push({
      what: 'what was changed by hand and is in no configuration',
      fix: 'citadel-rollback restore, on the node, lists backups of the old host’s configuration.',
    });
  } else {
    losses.push({
      what: 'what was changed by hand and is in no configuration',
      fix: 'This host has no backup of its configuration: what matters belongs into the inventory.',
    });
  }
  losses.push({
    what: 'earlier generations of this host, and its old SSH host keys',
    fix: 'History begins with generation 1; other machines that know the old host keys must learn the new ones.',
  });
  return losses;
}

/** Models that did not come back. */
export function lostModels(weights: Weights | null): Loss[] {
  return missingModels(weights).map((model) => ({
    what: `model ${model.model}: ${model.error === '' ? 'left out on request (--without-weights)' : model.error}`,
    fix:
      model.how === 'restore' || model.how === 'copy'
        ? 'Run the command again without --without-weights: it goes on from here.'
        : `${model.fix} Then run the command again: it starts what is there.`,
  }));
}
