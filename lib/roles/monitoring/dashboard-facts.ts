import type { DashboardFacts } from '../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../constructs/monitoring/dashboards/spec.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Fleet } from '../../site/index.js';
import { dashboardsOf } from './dashboards/index.js';

/** Every dashboard of a fleet: ours, and those that roles contribute. */
export function dashboards(fleet: Fleet): DashboardSpec[] {
  return dashboardsOf(
    factsOf(fleet),
    fleet.of('dashboard').map(({ dashboard }) => dashboard),
  );
}

function factsOf(fleet: Fleet): DashboardFacts {
  // Known by what they are scraped for, whichever role they have.
  const nodes = new Set(
    fleet.of('scrape-target').flatMap(({ job, labels }) => (job === JOBS.citadel ? [labels['host']] : [])),
  );
  const hosts = fleet.members.map(({ name }) => name);
  return {
    thresholds: fleet.inventory.thresholds,
    hosts,
    aiHosts: hosts.filter((name) => nodes.has(name)),
    backups: fleet.of('backup-set').length > 0,
  };
}
