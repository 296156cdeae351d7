import type { AlertFacts } from '../lib/constructs/monitoring/alerts/index.js';
import { JOBS, type Job } from '../lib/constructs/monitoring/metrics/index.js';
import type { Fleet } from './fleet.js';

/** What the alerts of a fleet are made from: a model that leaves the inventory leaves them in the same synthesis. */
export function alertFacts(fleet: Fleet): AlertFacts {
  const { members, inventory, scrapeTargets } = fleet;
  const withBackups = members.filter(
    ({ inventory: { ai, backup } }) => ai !== undefined && backup !== undefined,
  );
  return {
    thresholds: inventory.thresholds,
    slo: inventory.slo,
    jobs: [...new Set([...scrapeTargets.map(({ job }) => job as Job), ...serverJobs(fleet)])].sort(),
    models: members.flatMap(({ name: host, inventory: { ai } }) =>
      Object.entries(ai?.models ?? {})
        .filter(([, { start }]) => start === 'boot')
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .map(([name, { port, probe }]) => ({ name, host, port, probed: probe === 'completion' })),
    ),
    backups: withBackups.length > 0,
    backupMounts: withBackups.flatMap(({ inventory: { mounts, backup } }) => {
      const directory = backup?.directory ?? '';
      // The innermost mount that backups are on; the root is watched like any disk.
      const around = Object.keys(mounts).filter(
        (point) => directory === point || directory.startsWith(`${point}/`),
      );
      return around.sort((a, b) => b.length - a.length).slice(0, 1);
    }),
    tls: fleet.probes.some(({ url }) => url.startsWith('https:')),
  };
}

/** Jobs of what runs on a monitoring server itself. */
function serverJobs({ members }: Fleet): Job[] {
  return members.flatMap(({ inventory: { monitoring } }) => {
    if (monitoring === undefined) return [];
    const always: Job[] = [JOBS.prometheus, JOBS.alertmanager, JOBS.blackbox, JOBS.probe];
    return monitoring.grafana === undefined ? always : [...always, JOBS.grafana];
  });
}
