import {
  query,
  stat,
  timeline,
  timeseries,
  UID,
  UP_OR_DOWN,
} from '../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../constructs/monitoring/dashboards/spec.js';
import { LIMITS } from './configuration.js';

/** A gateway: which nodes serve what, how much is asked, and how it goes. */
export function gatewayDashboard(): DashboardSpec {
  const at = `job="gateway",proxy!~"metrics|${LIMITS.replace('.', '[.]')}"`;
  const rate = (metric: string, more = '') => `rate(${metric}{${at}${more}}[$__rate_interval])`;
  return {
    uid: UID.gateway,
    title: 'Citadel gateway',
    description: 'One address for models that several nodes serve.',
    rows: [
      {
        title: 'Now',
        panels: [
          stat('Gateways', [query('up{job="gateway"}', '{{host}}')], {
            description: 'Whether each gateway answers.',
            width: 8,
            unit: 'none',
            words: UP_OR_DOWN,
          }),
          stat(
            'Nodes that serve',
            [query(`sum by (proxy) (haproxy_backend_active_servers{${at}})`, '{{proxy}}')],
            {
              description: 'Ready nodes of each model. With none, every request is answered with 503.',
              width: 16,
              unit: 'none',
              base: 'red',
              steps: [{ from: 1, color: 'green' }],
            },
          ),
        ],
      },
      {
        title: 'Nodes',
        panels: [
          timeline(
            'Ready',
            [
              query(
                'max by (proxy, server) (haproxy_server_status{job="gateway",state="UP"})',
                '{{proxy}} on {{server}}',
              ),
            ],
            {
              description:
                'Whether the gateway sends requests to a node. A short gap is a model that was restarted.',
              width: 12,
              unit: 'none',
              words: UP_OR_DOWN,
            },
          ),
          timeseries(
            'Requests under way',
            [
              query(
                'sum by (proxy, server) (haproxy_server_current_sessions{job="gateway"})',
                '{{proxy}} on {{server}}',
              ),
            ],
            {
              description: 'New requests go to the node with the fewest.',
              width: 12,
              unit: 'none',
              min: 0,
              stacked: true,
            },
          ),
        ],
      },
      {
        title: 'Requests',
        panels: [
          timeseries(
            'Answers',
            [
              query(
                `sum by (proxy, code) (${rate('haproxy_frontend_http_responses_total')})`,
                '{{proxy}} {{code}}',
              ),
            ],
            {
              description: 'By class: 4xx are refused keys, paths and limits.',
              width: 8,
              unit: 'reqps',
              min: 0,
            },
          ),
          timeseries(
            'Sent again',
            [query(`sum by (proxy) (${rate('haproxy_backend_retry_warnings_total')})`, '{{proxy}}')],
            {
              description: 'Requests that failed on a node before the first byte, and were sent to another.',
              width: 8,
              unit: 'reqps',
              min: 0,
            },
          ),
          timeseries(
            'Waiting',
            [query(`sum by (proxy) (haproxy_backend_current_queue{${at}})`, '{{proxy}}')],
            {
              description: 'Requests that no node has room for.',
              width: 8,
              unit: 'none',
              min: 0,
            },
          ),
        ],
      },
    ],
  };
}
