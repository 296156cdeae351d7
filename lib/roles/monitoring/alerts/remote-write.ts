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
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';

const SELF = target('prometheus');
const REMOTE = { ...SELF, remote_name: 'archive', url: 'https://store.example.org/write' };
const LOG = on('dev-ops', 'journalctl -u prometheus -g remote -n 100', 'shows what the store answered');
const MORNING = 'Wait for the morning: Prometheus itself has the samples for as long as it keeps any.';
/** The store may be restarted; Prometheus can send what it has of about two hours. */
const BEHIND_SEC = 120;

/** The long-term store that `remoteWrite` names. Without one there is none of these series. */
export function remoteWriteAlerts(): readonly AlertSpec[] {
  const failed = series('prometheus_remote_storage_samples_failed_total', REMOTE);
  const late = (seconds: number) => ({
    [series('prometheus_remote_storage_highest_timestamp_in_seconds', SELF)]: '1000000+60x150',
    [series('prometheus_remote_storage_queue_highest_sent_timestamp_seconds', REMOTE)]:
      `${1e6 - seconds}+60x150`,
  });
  return [
    alert('RemoteWriteFailing', 'warning', {
      expr: 'increase(prometheus_remote_storage_samples_failed_total[5m]) > 0',
      for: minutes(15),
      summary: 'The long-term store {{ $labels.remote_name }} refuses samples of {{ $labels.host }}',
      description: 'What it refuses for good is not sent again: it is missing there.',
      runbook: {
        meaning:
          'The account or its token is no longer good, a limit is reached, or the store does not like the samples.',
        look: [LOG],
        fix: [
          'Correct the account or the limit at the store; for a new token, change the secret and deploy.',
        ],
        escalate: MORNING,
      },
      tests: [
        fires('some, for a while', { [failed]: growing(0.1) }, { labels: REMOTE }, minutes(1)),
        silent('once', { [failed]: '0x8 1x60' }, minutes(30)),
        silent('every eight minutes', { [failed]: '0x8 1x8 2x8 3x8 4x8 5x40' }, minutes(40)),
        silent('none lately', { [failed]: steady(5) }, minutes(40)),
      ],
    }),
    alert('RemoteWriteBehind', 'warning', {
      expr:
        'prometheus_remote_storage_highest_timestamp_in_seconds\n' +
        `  - on (host, instance) group_right () prometheus_remote_storage_queue_highest_sent_timestamp_seconds > ${BEHIND_SEC}`,
      for: minutes(15),
      summary:
        'The long-term store {{ $labels.remote_name }} is {{ $value | humanizeDuration }} behind {{ $labels.host }}',
      description:
        'After about two hours Prometheus has no samples left to send, and they are missing there.',
      runbook: {
        meaning: 'The store is away, or too slow for what comes.',
        look: [
          LOG,
          on('a browser', 'http://DEV-OPS:9090/targets', 'shows whether Prometheus itself is well'),
        ],
        fix: ['Look at the store and at the way to it. Prometheus catches up by itself.'],
        escalate: MORNING,
      },
      tests: [
        fires('a little too far', late(above(BEHIND_SEC)), { labels: REMOTE, value: above(BEHIND_SEC) }),
        silent('a little less', late(below(BEHIND_SEC))),
      ],
    }),
  ];
}
