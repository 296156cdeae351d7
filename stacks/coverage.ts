import { Construct } from 'constructs';
import { MonitoredService, type MonitoredServiceProps } from '../lib/constructs/monitoring/coverage.js';
import { JOBS } from '../lib/constructs/monitoring/metrics/index.js';
import type { Member } from './fleet.js';

const JOURNAL = { journal: true } as const;
const board = (...names: readonly string[]) => names.map((name) => `/etc/grafana/dashboards/${name}.json`);

/** What watches each service of a host. A service that is declared without it is refused, with the name of what is missing. */
export function addCoverage(member: Member): void {
  const scope = new Construct(member.host, 'coverage');
  for (const service of [nodeExporter(member), ...aiServices(member), ...monitoringServices(member)]) {
    new MonitoredService(scope, `${service.kind}-${service.service}`, service);
  }
}

function nodeExporter({ name: host }: Member): MonitoredServiceProps {
  return {
    service: 'node-exporter',
    kind: 'exporter',
    scrape: { job: JOBS.node, labels: { host } },
    alerts: [
      'HostDown',
      'HostCpuHigh',
      'HostMemoryHigh',
      'DiskSpaceLow',
      'UnitFailed',
      'NodeCollectorFailing',
    ],
    dashboards: board('hosts', 'storage'),
    logs: JOURNAL,
  };
}

function aiServices({ name: host, inventory: { ai } }: Member): MonitoredServiceProps[] {
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

function monitoringServices({ name: host, inventory: { monitoring } }: Member): MonitoredServiceProps[] {
  if (monitoring === undefined) return [];
  const one = (
    service: 'prometheus' | 'alertmanager' | 'blackbox' | 'grafana',
    alerts: readonly string[],
    state?: MonitoredServiceProps['state'],
  ): MonitoredServiceProps => ({
    service,
    kind: 'monitoring',
    scrape: { job: JOBS[service], labels: { host } },
    alerts,
    dashboards: board('monitoring'),
    logs: JOURNAL,
    ...(state === undefined ? {} : { state }),
  });
  return [
    one(
      'prometheus',
      ['PrometheusReloadFailed', 'PrometheusNotIngesting', 'RuleEvaluationFailing', 'Watchdog'],
      {
        paths: ['/var/lib/prometheus/metrics2'],
        backup: { none: 'samples age out; everything else comes from the inventory' },
      },
    ),
    one(
      'alertmanager',
      ['AlertmanagerDown', 'AlertmanagerReloadFailed', 'AlertmanagerNotificationsFailing'],
      {
        paths: ['/var/lib/prometheus/alertmanager'],
        backup: { none: 'silences are short, and what was sent has been sent' },
      },
    ),
    one('blackbox', ['TargetDown', 'BlackboxReloadFailed', 'ProbeFailing']),
    ...(monitoring.grafana === undefined
      ? []
      : [
          one('grafana', ['GrafanaDown'], {
            paths: ['/var/lib/grafana'],
            backup: {
              none: 'data sources and dashboards are files of the inventory; accounts and what people saved are theirs to export',
            },
          }),
        ]),
  ];
}
