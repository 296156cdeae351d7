import type { MonitoredServiceProps } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Fleet, Member } from '../../site/index.js';
import './keys.js';
import type { AiInventory } from './schema/ai.js';

const JOURNAL = { journal: true } as const;
const board = (...names: readonly string[]) => names.map((name) => `/etc/grafana/dashboards/${name}.json`);

/** What watches each service of an AI node. */
export function aiServices(
  { name: host, inventory: { ai, address } }: Member,
  fleet: Fleet,
): MonitoredServiceProps[] {
  if (ai === undefined) return [];
  const booting = startsAny(ai);
  // The dashboards of models are there when a model of any host starts with its machine.
  const shown = fleet.members.some(({ inventory }) => inventory.ai !== undefined && startsAny(inventory.ai));
  return [
    {
      service: 'citadel-metrics-exporter',
      kind: 'exporter',
      scrape: { job: JOBS.citadel, labels: { host } },
      alerts: ['ExporterDown', 'ExporterCollectorFailing', 'ExporterCollectorStale', 'GpuMissing', 'GpuHot'],
      dashboards: board('gpus'),
      logs: JOURNAL,
    },
    {
      service: 'citadel-monitor',
      kind: 'node',
      scrape: { job: JOBS.citadel, labels: { host } },
      alerts: ['CitadelServiceDown', ...(booting ? ['ModelRestarted'] : [])],
      dashboards: board('overview'),
      logs: { rotatedBy: '/etc/logrotate.d/citadel-ai' },
      state: {
        paths: ['/opt/citadel/logs/monitoring'],
        backup: { none: 'Prometheus keeps the same for longer' },
      },
    },
    ...(address === undefined || Object.keys(ai.models).length === 0
      ? []
      : [
          {
            service: 'citadel-lan',
            kind: 'proxy',
            scrape: { job: JOBS.lan, labels: { host } },
            // Models are asked through it, from outside.
            alerts: booting ? ['ModelDown', 'ModelAvailabilityBurn'] : ['CitadelUnitFailed'],
            dashboards: board(shown ? 'models' : 'overview'),
            logs: JOURNAL,
          },
        ]),
    ...Object.entries(ai.models).map(([model, { start, directory }]): MonitoredServiceProps => ({
      service: model,
      kind: 'model',
      // One that starts by hand is watched while it runs, by the node's exporter.
      scrape:
        start === 'boot'
          ? { job: JOBS.vllm, labels: { host, model } }
          : { job: JOBS.citadel, labels: { host } },
      alerts:
        start === 'boot'
          ? [
              'ModelDown',
              'ModelTargetMissing',
              'ModelStalled',
              'ModelMetricsMissing',
              'ModelAvailabilityBurn',
              'ModelFirstTokenBurn',
            ]
          : ['CitadelUnitFailed', 'ExporterDown'],
      dashboards: shown ? board('models', 'model') : board('gpus'),
      logs: JOURNAL,
      state: { paths: [`${ai.modelsDirectory}/${directory}`], backup: { by: '/etc/cron.d/citadel-backup' } },
    })),
  ];
}

function startsAny({ models }: AiInventory): boolean {
  return Object.values(models).some(({ start }) => start === 'boot');
}
