import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, type MetricSource } from './metric.js';

/** What the blackbox exporter (0.23 and 0.26) says of what it asked. */
export const PROBES: MetricSource = {
  jobs: [JOBS.probe],
  // `model`: of a model's own page.
  targetLabels: [...TARGET_LABELS, 'model', 'service'],
  metrics: [
    gauge('probe_dns_lookup_time_seconds', '', 'Time to find the address'),
    gauge('probe_duration_seconds', '', 'How long the probe took'),
    gauge('probe_failed_due_to_regex', '', 'Whether the answer had the wrong text'),
    gauge('probe_http_content_length', '', 'Length of the answer'),
    gauge('probe_http_duration_seconds', 'phase', 'How long each phase took'),
    gauge('probe_http_redirects', '', 'Redirects followed'),
    gauge('probe_http_ssl', '', 'Whether the last answer came over TLS'),
    gauge('probe_http_status_code', '', 'HTTP status, zero without an answer'),
    gauge('probe_http_uncompressed_body_length', '', 'Length of the text of the answer'),
    gauge('probe_http_version', '', 'HTTP version of the answer'),
    gauge('probe_ip_addr_hash', '', 'A number that changes with the address'),
    gauge('probe_ip_protocol', '', 'Four or six'),
    gauge('probe_ssl_earliest_cert_expiry', '', 'When the first certificate of the chain ends'),
    gauge('probe_success', '', 'Whether the probe worked'),
    gauge('probe_tls_version_info', 'version', 'Version of TLS'),
  ],
};

/** The blackbox exporter about itself. */
export const BLACKBOX: MetricSource = {
  jobs: [JOBS.blackbox],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge(
      'blackbox_exporter_build_info',
      'branch goarch goos goversion revision tags version',
      'Its version',
    ),
    gauge(
      'blackbox_exporter_config_last_reload_success_timestamp_seconds',
      '',
      'When its file was last taken',
    ),
    gauge('blackbox_exporter_config_last_reload_successful', '', 'Whether its newest file was taken'),
    counter('blackbox_module_unknown_total', '', 'Probes that named a module which is not there'),
  ],
};
