import type { GroupSpec } from '../../constructs/monitoring/alerts/spec.js';
import type { DashboardSpec } from '../../constructs/monitoring/dashboards/spec.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Fleet, RoleContribution } from '../../site/index.js';
import { hostPort } from '../../text/address.js';
import { by, byKey } from '../../text/order.js';
import { backupAlerts } from './alerts/backups.js';
import type { NodesFacts } from './alerts/facts.js';
import { gpuAlerts } from './alerts/gpus.js';
import { loadAlerts } from './alerts/model-load.js';
import { modelAlerts } from './alerts/models.js';
import { sloAlerts } from './alerts/slo.js';
import { gpusDashboard } from './dashboards/gpus.js';
import { modelDashboard } from './dashboards/model.js';
import { modelsDashboard } from './dashboards/models.js';
import './keys.js';
import { LanSide } from './lan/index.js';
import { NodeWatch } from './node-watch.js';
import type { AiInventory } from './schema/ai.js';

/** What AI nodes tell other roles: what to scrape and ask, rules, dashboards, and where copies of models are. */
export function contribute(fleet: Fleet): RoleContribution[] {
  const nodes = fleet.members.flatMap(({ name, inventory }) =>
    inventory.ai === undefined || inventory.address === undefined
      ? []
      : [{ host: name, address: inventory.address, ai: inventory.ai, backup: inventory.backup }],
  );
  if (nodes.length === 0) return [];
  const facts = nodesFacts(fleet);
  return [
    ...nodes.flatMap(({ host, address, ai, backup }): RoleContribution[] => [
      ...booting(ai).flatMap(([model, { port, apiKey }]): RoleContribution[] => [
        {
          kind: 'scrape-target',
          job: JOBS.vllm,
          address: hostPort(address, port),
          // Prometheus takes the scheme of one target from this label, and drops it.
          labels: { host, model, ...(ai.lan.tls === undefined ? {} : { __scheme__: 'https' }) },
        },
        {
          kind: 'probe',
          url: `${ai.lan.tls === undefined ? 'http' : 'https'}://${hostPort(address, port)}/health`,
          labels: { host, model, service: model },
        },
        {
          kind: 'model-server',
          host,
          model,
          address,
          port,
          tls: ai.lan.tls !== undefined,
          asksForKey: apiKey !== undefined || Object.keys(ai.lan.keys).length > 0,
        },
      ]),
      ...(Object.keys(ai.models).length === 0
        ? []
        : [
            {
              kind: 'scrape-target',
              job: JOBS.lan,
              address: hostPort(address, LanSide.METRICS_PORT),
              labels: { host },
            } as const,
          ]),
      {
        kind: 'scrape-target',
        job: JOBS.citadel,
        address: hostPort(address, NodeWatch.METRICS_PORT),
        labels: { host },
      },
      { kind: 'client', host },
      { kind: 'disks', host },
      ...(backup === undefined ? [] : [{ kind: 'backup-set', host, directory: backup.directory } as const]),
    ]),
    ...groupsOf(facts).map((group): RoleContribution => ({ kind: 'alerts', group: () => group })),
    ...dashboardsOf(facts).map((dashboard): RoleContribution => ({ kind: 'dashboard', dashboard })),
  ];
}

function groupsOf(facts: NodesFacts): GroupSpec[] {
  const groups = [
    gpuAlerts(facts),
    modelAlerts(facts),
    loadAlerts(facts),
    ...sloAlerts(facts),
    facts.backups ? backupAlerts(facts) : undefined,
  ];
  return groups.filter((group) => group !== undefined);
}

/** Those that there is something to show on; models by name, whatever host they are on. */
export function dashboardsOf(facts: NodesFacts): DashboardSpec[] {
  const sorted = { ...facts, models: [...facts.models].sort(by(({ name }) => name)) };
  return [
    ...(facts.models.length === 0 ? [] : [modelsDashboard(sorted), modelDashboard(sorted)]),
    ...(facts.aiHosts.length === 0 ? [] : [gpusDashboard(sorted)]),
  ];
}

/** Models that start with their machine, by name. */
function booting({ models }: AiInventory): [string, AiInventory['models'][string]][] {
  return Object.entries(models)
    .filter(([, { start }]) => start === 'boot')
    .sort(byKey);
}

/** What rules and dashboards are made from: a model that leaves the inventory leaves them in the same synthesis. */
function nodesFacts({ members, inventory: { thresholds, slo } }: Fleet): NodesFacts {
  const nodes = members.filter(({ inventory }) => inventory.ai !== undefined);
  const saved = nodes.flatMap(({ inventory: { mounts, backup } }) =>
    backup === undefined ? [] : [{ mounts, directory: backup.directory }],
  );
  return {
    thresholds,
    slo,
    aiHosts: nodes.map(({ name }) => name),
    models: nodes.flatMap(({ name: host, inventory: { ai } }) =>
      (ai === undefined ? [] : booting(ai)).map(([name, { port, probe }]) => ({
        name,
        host,
        port,
        probed: probe !== 'none',
      })),
    ),
    backups: saved.length > 0,
    backupMounts: saved.flatMap(({ mounts, directory }) => {
      // The innermost mount that backups are on; the root is watched like any disk.
      const around = Object.keys(mounts).filter(
        (point) => directory === point || directory.startsWith(`${point}/`),
      );
      return around.sort((a, b) => b.length - a.length).slice(0, 1);
    }),
  };
}
