import type { AlertFacts, WatchedTarget } from '../lib/constructs/monitoring/alerts/index.js';
import { JOBS, type Job } from '../lib/constructs/monitoring/metrics/index.js';
import type { Fleet } from './fleet.js';

/** What the alerts of a fleet are made from: a model that leaves the inventory leaves them in the same synthesis. */
export function alertFacts(fleet: Fleet): AlertFacts {
  const { members, inventory } = fleet;
  const targets = allTargets(fleet);
  const withBackups = members.filter(
    ({ inventory: { ai, backup } }) => ai !== undefined && backup !== undefined,
  );
  return {
    thresholds: inventory.thresholds,
    slo: inventory.slo,
    jobs: [...new Set(targets.map(({ job }) => job))].sort(),
    targets,
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

/** Each job on each host once, sorted: machines, nodes, models, and what runs on a monitoring server itself. */
function allTargets({ members, scrapeTargets, probes }: Fleet): WatchedTarget[] {
  const found = [
    ...scrapeTargets.map(({ job, labels }) => ({ job: job as Job, host: labels['host'] ?? '' })),
    ...probes.map(({ labels }) => ({ job: JOBS.probe, host: labels['host'] ?? '' })),
    ...members.flatMap(({ name: host, inventory: { monitoring } }) => {
      if (monitoring === undefined) return [];
      const always: Job[] = [JOBS.prometheus, JOBS.alertmanager, JOBS.blackbox, JOBS.probe];
      const jobs = monitoring.grafana === undefined ? always : [...always, JOBS.grafana];
      return jobs.map((job) => ({ job, host }));
    }),
  ];
  const once = new Map(found.map((target) => [`${target.job} ${target.host}`, target]));
  return [...once].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, target]) => target);
}
