import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, histogram, type MetricSource } from './metric.js';

/** Alertmanager 0.25 and 0.28. */
export const ALERTMANAGER: MetricSource = {
  jobs: [JOBS.alertmanager],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge('alertmanager_alerts', 'state', 'Alerts in each state'),
    counter('alertmanager_alerts_invalid_total', 'version', 'Alerts that could not be read'),
    counter('alertmanager_alerts_received_total', 'status version', 'Alerts received'),
    gauge('alertmanager_build_info', 'branch goarch goos goversion revision tags version', 'Its version'),
    gauge('alertmanager_cluster_enabled', '', 'Whether it looks for others'),
    gauge('alertmanager_config_hash', '', 'A number that changes with the configuration'),
    gauge(
      'alertmanager_config_last_reload_success_timestamp_seconds',
      '',
      'When a configuration was last taken',
    ),
    gauge('alertmanager_config_last_reload_successful', '', 'Whether the newest configuration was taken'),
    gauge('alertmanager_dispatcher_aggregation_groups', '', 'Groups of alerts'),
    histogram('alertmanager_http_request_duration_seconds', 'handler method', 'How long HTTP requests took'),
    gauge('alertmanager_integrations', '', 'Ways out that are configured'),
    gauge('alertmanager_marked_alerts', 'state', 'Alerts by state'),
    histogram('alertmanager_notification_latency_seconds', 'integration', 'How long a notification took'),
    counter(
      'alertmanager_notification_requests_failed_total',
      'integration receiver_name',
      'Attempts to notify that failed',
    ),
    counter('alertmanager_notification_requests_total', 'integration receiver_name', 'Attempts to notify'),
    counter(
      'alertmanager_notifications_failed_total',
      'integration reason receiver_name',
      'Notifications that were given up',
    ),
    counter('alertmanager_notifications_total', 'integration receiver_name', 'Notifications'),
    gauge('alertmanager_receivers', '', 'Receivers that are configured'),
    gauge('alertmanager_silences', 'state', 'Silences in each state'),
  ],
};
