import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, type MetricSource } from './metric.js';

/** HAProxy's own exporter, as the proxies before models have it: `proxy` is the model, at a gateway `server` the node's host. */
export const HAPROXY: MetricSource = {
  jobs: [JOBS.lan, JOBS.gateway],
  targetLabels: TARGET_LABELS,
  metrics: [
    gauge('haproxy_backend_active_servers', 'proxy', 'Servers that requests are sent to'),
    gauge('haproxy_backend_current_queue', 'proxy', 'Requests that wait for a server'),
    counter(
      'haproxy_backend_redispatch_warnings_total',
      'proxy',
      'Requests that were sent to another server',
    ),
    counter('haproxy_backend_retry_warnings_total', 'proxy', 'Requests that were sent again'),
    gauge('haproxy_frontend_current_sessions', 'proxy', 'Connections of clients'),
    counter('haproxy_frontend_http_responses_total', 'proxy code', 'Answers by class: 2xx, 5xx'),
    gauge('haproxy_server_current_sessions', 'proxy server', 'Requests that a server works on'),
    counter('haproxy_server_http_responses_total', 'proxy server code', 'Answers of a server by class'),
    gauge(
      'haproxy_server_status',
      'proxy server state',
      'One for the state that a server is in: UP, DOWN, MAINT',
    ),
  ],
};
