import {
  above,
  alert,
  below,
  fires,
  growing,
  minutes,
  on,
  series,
  silent,
  steady,
  target,
  turning,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';

const SELF = target('prometheus');
const AM = target('alertmanager');
const LOG = on('dev-ops', 'journalctl -u prometheus -n 100', 'shows what it complains about');
const AM_LOG = on('dev-ops', 'journalctl -u prometheus-alertmanager -n 100', 'shows what it complains about');
const DEPLOY = on('where you deploy from', 'npx citadel-iac apply dev-ops', 'writes its configuration again');
const RESTART = on('dev-ops', 'sudo systemctl restart prometheus-alertmanager', 'restarts it');
const BLIND =
  'Wake the person responsible for the monitoring: while it lasts, other alerts may not reach you.';

/** The way from Prometheus to a person. */
export function notificationAlerts(): readonly AlertSpec[] {
  return NOTIFICATIONS;
}

/** One increment, watched over ten minutes. */
const once = (metric: string) => ({ [series(metric, SELF)]: turning(0, 1, 11) });

const queue = (percent: number) => ({
  [series('prometheus_notifications_queue_length', SELF)]: steady(percent),
  [series('prometheus_notifications_queue_capacity', SELF)]: steady(100),
});

const NOTIFICATIONS: readonly AlertSpec[] = [
  alert('AlertmanagerDown', 'critical', {
    expr: 'up{job="alertmanager"} == 0',
    for: minutes(3),
    summary: 'Alertmanager on {{ $labels.host }} does not answer',
    description:
      'Alerts are raised and reach no one, this one included: it is seen in Prometheus, and by the dead man’s switch.',
    runbook: {
      meaning: 'No one is told of anything.',
      look: [AM_LOG, on('dev-ops', 'systemctl status prometheus-alertmanager', 'shows how it ended')],
      fix: [RESTART],
      escalate: BLIND,
    },
    tests: [
      fires('it does not', { [series('up', AM)]: steady(0) }, { labels: AM }),
      silent('it does, and another does not', {
        [series('up', AM)]: steady(1),
        [series('up', SELF)]: steady(0),
      }),
    ],
  }),
  alert('PrometheusFindsNoAlertmanager', 'critical', {
    expr: 'prometheus_notifications_alertmanagers_discovered < 1',
    for: minutes(5),
    summary: 'Prometheus on {{ $labels.host }} knows no Alertmanager',
    description: 'Alerts go nowhere.',
    runbook: {
      meaning: 'Its configuration names none.',
      look: [on('dev-ops', 'grep -A5 ^alerting /etc/prometheus/prometheus.yml', 'shows whom it should tell')],
      fix: [DEPLOY],
      escalate: BLIND,
    },
    tests: [
      fires(
        'none',
        { [series('prometheus_notifications_alertmanagers_discovered', SELF)]: steady(0) },
        { labels: SELF },
      ),
      fires(
        'less than one',
        { [series('prometheus_notifications_alertmanagers_discovered', SELF)]: steady(0.9) },
        { labels: SELF },
      ),
      silent('one', { [series('prometheus_notifications_alertmanagers_discovered', SELF)]: steady(1) }),
    ],
  }),
  alert('PrometheusNotificationsDropped', 'critical', {
    expr: 'increase(prometheus_notifications_dropped_total[10m]) > 0',
    for: minutes(5),
    summary: 'Prometheus on {{ $labels.host }} throws alerts away',
    description: 'No Alertmanager took them.',
    runbook: {
      meaning: 'Someone should have been told of something, and was not.',
      look: [on('a browser', 'http://DEV-OPS:9090/alerts', 'shows every alert that fires'), AM_LOG],
      fix: [RESTART],
      escalate: BLIND,
    },
    tests: [
      fires('one', once('prometheus_notifications_dropped_total'), { labels: SELF }, minutes(11)),
      silent(
        'none lately',
        { [series('prometheus_notifications_dropped_total', SELF)]: steady(1) },
        minutes(30),
      ),
    ],
  }),
  alert('PrometheusNotificationsFailing', 'warning', {
    expr: 'increase(prometheus_notifications_errors_total[10m]) > 0',
    for: minutes(10),
    summary: 'Alertmanager at {{ $labels.alertmanager }} refuses alerts',
    description: 'Prometheus on {{ $labels.host }} tries again; some may come late.',
    runbook: {
      meaning: 'Alertmanager is overloaded, restarting or of another version.',
      look: [AM_LOG, LOG],
      fix: [RESTART],
      escalate:
        'Wait for the morning unless [PrometheusNotificationsDropped](#prometheusnotificationsdropped) fires as well.',
    },
    tests: [
      fires(
        'one',
        {
          [series('prometheus_notifications_errors_total', { ...SELF, alertmanager: 'x' })]: '0x10 1+0.1x40',
        },
        { labels: { ...SELF, alertmanager: 'x' } },
        minutes(11),
      ),
      silent(
        'none lately',
        { [series('prometheus_notifications_errors_total', { ...SELF, alertmanager: 'x' })]: steady(1) },
        minutes(40),
      ),
    ],
  }),
  alert('PrometheusNotificationsWaiting', 'warning', {
    expr: '100 * prometheus_notifications_queue_length / prometheus_notifications_queue_capacity > 50',
    for: minutes(5),
    summary:
      'Alerts wait in Prometheus on {{ $labels.host }}: its queue is {{ $value | printf "%.0f" }} % full',
    description:
      'Alertmanager takes them more slowly than they come. When the queue is full, the oldest are thrown away.',
    runbook: {
      meaning: 'Messages come late, and soon not at all.',
      look: [AM_LOG, LOG],
      fix: [RESTART],
      escalate:
        'Wait for the morning unless [PrometheusNotificationsDropped](#prometheusnotificationsdropped) fires as well.',
    },
    tests: [
      fires('a little more than half', queue(above(50)), { labels: SELF, value: above(50) }),
      silent('a little less', queue(below(50))),
    ],
  }),
  alert('AlertmanagerNotificationsFailing', 'critical', {
    // Requests, not notifications: those count as failed only when every attempt has been given up.
    expr:
      '100 * sum by (host, integration) (rate(alertmanager_notification_requests_failed_total[5m]))\n' +
      '  / sum by (host, integration) (rate(alertmanager_notification_requests_total[5m])) > 5',
    for: minutes(10),
    summary: 'Alertmanager on {{ $labels.host }} cannot notify by {{ $labels.integration }}',
    description: '{{ $value | printf "%.0f" }} % of its attempts fail.',
    runbook: {
      meaning: 'Alerts reach no one this way: an address, a password or the network is wrong.',
      look: [
        AM_LOG,
        on(
          'dev-ops',
          'amtool --alertmanager.url=http://localhost:9093 alert query',
          'shows what it wants to tell',
        ),
      ],
      fix: ['Correct the receiver or its secret in the inventory, and deploy.'],
      escalate: BLIND,
    },
    tests: [
      fires(
        'a little above the level',
        attempts(above(5)),
        { labels: { host: 'b', integration: 'webhook' }, value: above(5) },
        minutes(1),
      ),
      silent('a little below it', attempts(below(5)), minutes(30)),
    ],
  }),
];

function attempts(failed: number) {
  const labels = { ...AM, integration: 'webhook' };
  return {
    [series('alertmanager_notification_requests_failed_total', labels)]: growing(failed),
    [series('alertmanager_notification_requests_total', labels)]: growing(100),
  };
}
