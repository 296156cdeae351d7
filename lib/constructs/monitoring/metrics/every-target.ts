import { counter, gauge, summary, type MetricSource } from './metric.js';
import { TARGET_LABELS } from './jobs.js';

/** What Prometheus adds for each target, and what the client libraries give in every process. */
export const EVERY_TARGET: MetricSource = {
  jobs: [],
  targetLabels: [...TARGET_LABELS, 'model', 'service'],
  metrics: [
    gauge('up', '', 'Whether the last scrape of the target worked'),
    gauge('scrape_duration_seconds', '', 'How long the last scrape took'),
    gauge('scrape_samples_scraped', '', 'Samples that the target gave'),
    gauge('scrape_samples_post_metric_relabeling', '', 'Samples that were left after relabelling'),
    gauge('scrape_series_added', '', 'Series that the last scrape saw for the first time'),
    // Written by Prometheus itself for each rule that is pending or fires.
    gauge(
      'ALERTS',
      'alertname alertstate device gpu kind le backup mountpoint name severity unit window',
      'Alerts that are pending or firing',
    ),
    gauge('ALERTS_FOR_STATE', 'alertname severity', 'Since when an alert is active'),
    counter('process_cpu_seconds_total', '', 'Processor time of the process'),
    gauge('process_resident_memory_bytes', '', 'Memory of the process'),
    gauge('process_virtual_memory_bytes', '', 'Address space of the process'),
    gauge('process_start_time_seconds', '', 'When the process started'),
    gauge('process_open_fds', '', 'Open files of the process'),
    gauge('process_max_fds', '', 'Open files that the process may have'),
    gauge('go_goroutines', '', 'Goroutines of a Go program'),
    gauge('go_memstats_alloc_bytes', '', 'Memory in use in a Go program'),
    summary('go_gc_duration_seconds', '', 'Pauses for garbage collection in a Go program'),
    gauge('go_info', 'version', 'Version of Go'),
    gauge('python_info', 'implementation major minor patchlevel version', 'Version of Python'),
    counter('promhttp_metric_handler_requests_total', 'code', 'Scrapes answered by a Go program'),
  ],
};
