import type { AlertFacts, WatchedTarget } from '../../constructs/monitoring/alerts/spec.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Fleet } from '../../site/index.js';
import { byKey } from '../../text/order.js';
import './keys.js';

/** What the alerts of a fleet are made from: what leaves the inventory leaves them in the same synthesis. */
export function alertFacts(fleet: Fleet): AlertFacts {
  const targets = allTargets(fleet);
  return {
    thresholds: fleet.inventory.thresholds,
    jobs: [...new Set(targets.map(({ job }) => job))].sort(),
    targets,
    tls: fleet.of('probe').some(({ url }) => url.startsWith('https:')),
  };
}

/** Each job on each host once, sorted: what roles contribute, and what runs on a monitoring server itself. */
function allTargets(fleet: Fleet): WatchedTarget[] {
  const found: WatchedTarget[] = [
    ...fleet.of('scrape-target').map(({ job, labels }) => ({ job, host: labels['host'] ?? '' })),
    ...fleet.of('probe').map(({ labels }) => ({ job: JOBS.probe, host: labels['host'] ?? '' })),
    ...fleet.members.flatMap(({ name: host, inventory: { monitoring } }) => {
      if (monitoring === undefined) return [];
      const always: string[] = [JOBS.prometheus, JOBS.alertmanager, JOBS.blackbox, JOBS.probe];
      const jobs = monitoring.grafana === undefined ? always : [...always, JOBS.grafana];
      return jobs.map((job) => ({ job, host }));
    }),
  ];
  const once = new Map(found.map((target) => [`${target.job} ${target.host}`, target]));
  return [...once].sort(byKey).map(([, target]) => target);
}
