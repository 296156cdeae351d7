import type { MonitoredServiceProps } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Member } from '../../site/index.js';
import './keys.js';

const JOURNAL = { journal: true } as const;
const board = (...names: readonly string[]) => names.map((name) => `/etc/grafana/dashboards/${name}.json`);

/** What watches each service of a monitoring server. */
export function monitoringServices({
  name: host,
  inventory: { monitoring },
}: Member): MonitoredServiceProps[] {
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
