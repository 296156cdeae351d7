import type { MonitoredServiceProps } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Member } from '../../site/index.js';
import './keys.js';

const JOURNAL = { journal: true } as const;
const board = (...names: readonly string[]) => names.map((name) => `/etc/grafana/dashboards/${name}.json`);

/** What watches each service of an AI node. */
export function aiServices({ name: host, inventory: { ai, address } }: Member): MonitoredServiceProps[] {
  if (ai === undefined) return [];
  const booting = Object.values(ai.models).some(({ start }) => start === 'boot');
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
            dashboards: board('models'),
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
      dashboards: board('models', 'model'),
      logs: JOURNAL,
      state: { paths: [`${ai.modelsDirectory}/${directory}`], backup: { by: '/etc/cron.d/citadel-backup' } },
    })),
  ];
}
