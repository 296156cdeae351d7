import {
  query,
  stat,
  table,
  timeline,
  timeseries,
  UID,
  UP_OR_DOWN,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../../constructs/monitoring/dashboards/spec.js';

/** Whether the monitoring itself can be believed. */
export function monitoringDashboard(): DashboardSpec {
  const taken = { 0: { text: 'refused', color: 'red' }, 1: { text: 'taken', color: 'green' } } as const;
  return {
    uid: UID.monitoring,
    title: 'Citadel monitoring',
    description: 'Whether what the other pages show can be believed.',
    rows: [
      {
        title: 'Now',
        height: 4,
        panels: [
          stat('Targets down', 'count(up == 0) or vector(0)', {
            description: 'What Prometheus cannot read.',
            width: 6,
            unit: 'none',
            steps: [{ from: 1, color: 'red' }],
          }),
          stat('Prometheus’s configuration', 'min(prometheus_config_last_reload_successful)', {
            description: 'Whether it runs with the files on the disk.',
            width: 6,
            unit: 'none',
            words: taken,
          }),
          stat('Alertmanager’s configuration', 'min(alertmanager_config_last_reload_successful)', {
            description: 'Whether it runs with the files on the disk.',
            width: 6,
            unit: 'none',
            words: taken,
          }),
          stat('Alertmanagers', 'max(prometheus_notifications_alertmanagers_discovered)', {
            description: 'How many Prometheus can tell of alerts.',
            width: 6,
            unit: 'none',
            base: 'red',
            steps: [{ from: 1, color: 'green' }],
          }),
        ],
      },
      {
        title: 'Targets',
        panels: [
          table('Down', 'up == 0', {
            description: 'Prometheus’s page "Targets" has the error of each.',
            width: 10,
            unit: 'none',
            noValue: 'None',
            columns: { job: 'Job', host: 'Host', instance: 'Address' },
          }),
          timeline('Probes from outside', [query('probe_success', '{{host}} {{service}}')], {
            description: 'Whether each address answered as someone outside would see it.',
            width: 14,
            unit: 'none',
            words: UP_OR_DOWN,
          }),
        ],
      },
      {
        title: 'Prometheus',
        panels: [
          timeseries(
            'Samples',
            [query('rate(prometheus_tsdb_head_samples_appended_total[$__rate_interval])', 'appended')],
            {
              description: 'Falls to nothing when nothing is stored any more.',
              width: 8,
              unit: 'cps',
              min: 0,
            },
          ),
          timeseries('Series', [query('prometheus_tsdb_head_series', 'in memory')], {
            description: 'A rise that goes on is a label with too many values.',
            width: 8,
            unit: 'none',
            min: 0,
          }),
          timeseries(
            'Rule evaluation',
            [query('prometheus_rule_group_last_duration_seconds', '{{rule_group}}')],
            { description: 'Time that each group of rules takes.', width: 8, unit: 's', min: 0 },
          ),
        ],
      },
      {
        title: 'Notifications',
        panels: [
          timeseries(
            'Sent by Alertmanager',
            [
              query(
                'sum by (integration) (rate(alertmanager_notifications_total[$__rate_interval]))',
                '{{integration}}',
              ),
            ],
            { description: 'By way of telling.', width: 12, unit: 'cps', min: 0 },
          ),
          timeseries(
            'Failed requests',
            [
              query(
                'sum by (integration) (rate(alertmanager_notification_requests_failed_total[$__rate_interval]))',
                '{{integration}}',
              ),
            ],
            {
              description: 'Every attempt counts, also those that worked when they were repeated.',
              width: 12,
              unit: 'cps',
              min: 0,
            },
          ),
        ],
      },
    ],
  };
}
