import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, histogram, type MetricSource } from './metric.js';

/** Grafana about itself: the few that have kept their names. */
export const GRAFANA: MetricSource = {
  jobs: [JOBS.grafana],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge('grafana_build_info', 'branch edition goversion revision version', 'Its version'),
    histogram(
      'grafana_http_request_duration_seconds',
      'handler method status_code',
      'How long HTTP requests took',
    ),
    gauge('grafana_stat_total_users', '', 'Users'),
    gauge('grafana_stat_totals_dashboard', '', 'Dashboards'),
    gauge('grafana_stat_totals_datasource', '', 'Data sources'),
    counter('grafana_page_response_status_total', 'code', 'Pages by HTTP status'),
  ],
};
