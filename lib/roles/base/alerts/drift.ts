import { DRIFT_CHECK_EVERY, MISSED_LOOKS } from '../../../constructs/intervals.js';
import { Duration } from '../../../constructs/units.js';
import {
  aged,
  alert,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';

const STALE_SEC = MISSED_LOOKS * DRIFT_CHECK_EVERY.toSeconds();

/** Hosts that are no longer as they were deployed, or not yet: until a reboot. */
export function driftAlerts(): GroupSpec {
  return { name: 'drift', alerts: ALERTS };
}

const ALERTS: readonly AlertSpec[] = [
  alert('ConfigDrift', 'warning', {
    expr: 'citadel_config_drift_items > 0',
    for: minutes(10),
    summary: '{{ $labels.host }} differs from its configuration in {{ $value | printf "%.0f" }} items',
    description: 'Someone, or some program, changed managed files, units or packages by hand.',
    runbook: {
      meaning: 'The host still works, maybe better than before. The next deployment takes the change away.',
      look: [
        on('where you deploy from', 'npx citadel-iac diff HOST', 'shows every line that differs, and why'),
      ],
      fix: [
        'Was it meant? Put it into the inventory, then deploy.',
        on(
          'where you deploy from',
          'npx citadel-iac apply HOST',
          'takes it back, after it has shown what it will do',
        ),
      ],
      escalate:
        'Wait for the morning, unless no one knows who did it: then wake the person responsible for security.',
    },
    tests: [
      fires(
        'one item',
        { [series('citadel_config_drift_items', NODE)]: steady(1) },
        { labels: NODE, value: 1 },
      ),
      silent('none', { [series('citadel_config_drift_items', NODE)]: steady(0) }),
    ],
  }),
  alert('RebootOwed', 'warning', {
    expr: 'citadel_reboot_owed == 1',
    for: Duration.hours(12),
    summary: '{{ $labels.host }} should be rebooted',
    description:
      'A package asks for it, or a newer kernel is installed than runs: security updates of it do nothing yet.',
    runbook: {
      meaning:
        'Unattended upgrades or a deployment brought something that works after a reboot only. On a GPU node it may be the driver.',
      look: [
        on('where you deploy from', 'npx citadel-iac diff HOST', 'says what asks for the reboot'),
        on('$host', 'cat /run/reboot-required.pkgs; uname -r; ls /boot/vmlinuz-*', 'shows it on the host'),
      ],
      fix: [
        'Choose an hour in which its services may be away.',
        on(
          'where you deploy from',
          'npx citadel-iac reboot HOST',
          'lets requests end, reboots it, waits, and proves that its services run',
        ),
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'since half a day',
        { [series('citadel_reboot_owed', NODE)]: steady(1, 800) },
        { labels: NODE, value: 1 },
      ),
      silent('not owed', { [series('citadel_reboot_owed', NODE)]: steady(0, 800) }),
    ],
  }),
  alert('DriftCheckStale', 'warning', {
    expr: `time() - citadel_config_drift_last_check_timestamp_seconds > ${STALE_SEC}`,
    for: minutes(30),
    summary: '{{ $labels.host }} last compared itself {{ $value | humanizeDuration }} ago',
    description: 'Changes by hand would not be noticed.',
    runbook: {
      meaning: 'The timer does not fire, or the check fails.',
      look: [
        on('$host', 'systemctl list-timers "citadel*"', 'shows when it last ran'),
        on('$host', 'journalctl -u citadel-drift.service --since -2d', 'shows what it said'),
      ],
      fix: [on('where you deploy from', 'npx citadel-iac verify HOST', 'compares it now')],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'after four looks that did not happen',
        { [series('citadel_config_drift_last_check_timestamp_seconds', NODE)]: aged(STALE_SEC) },
        { labels: NODE, value: STALE_SEC + 41 * 60 - 600 },
        minutes(11),
      ),
      silent(
        'a little less',
        { [series('citadel_config_drift_last_check_timestamp_seconds', NODE)]: aged(STALE_SEC, 90) },
        minutes(90),
      ),
    ],
  }),
  alert('DriftCheckMissing', 'warning', {
    expr: 'up{job="node"} == 1 unless on (host) citadel_config_drift_last_check_timestamp_seconds',
    for: Duration.hours(1),
    summary: '{{ $labels.host }} has never compared itself with its configuration',
    description: 'There is no result of a check: changes by hand would not be noticed.',
    runbook: {
      meaning: 'The check was never installed, or cannot write its result.',
      look: [
        on('$host', 'systemctl list-timers "citadel*"', 'shows whether there is a timer'),
        on('$host', 'ls -l /var/lib/prometheus/node-exporter', 'shows the results that are there'),
      ],
      fix: [on('where you deploy from', 'npx citadel-iac apply HOST', 'installs what is missing')],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires('no result', { [series('up', NODE)]: steady(1) }, { labels: NODE }),
      silent(
        'a result, or a host that is down, or something else',
        {
          [series('up', NODE)]: steady(1),
          [series('citadel_config_drift_last_check_timestamp_seconds', NODE)]: steady(0),
          [series('up', { ...NODE, host: 'c', instance: 'c:9100' })]: steady(0),
          [series('up', { ...NODE, host: 'd', job: 'grafana' })]: steady(1),
        },
        minutes(90),
      ),
    ],
  }),
];
