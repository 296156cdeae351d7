import {
  alert,
  CITADEL,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import type { AlertSpec, GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { Duration } from '../../../constructs/units.js';

const unit = (name: string, state: string) => ({ ...NODE, name, state, type: 'simple' });
const restarts = (name: string) => series('node_systemd_service_restart_total', { ...NODE, name });

/** Two days, and some time for a host that was off at midnight. */
const ROTATED_SEC = 180_000;
const LONG = ROTATED_SEC / 60 + 200;
const timer = (name: string) => series('node_systemd_timer_last_trigger_seconds', { ...NODE, name });
/** It fired at the first minute of the test. */
const NOT_LATELY = `60x${LONG}`;
const ROTATED = minutes(ROTATED_SEC / 60 + 2);

/** systemd's units, and the files that programs leave for the node exporter. */
export function serviceAlerts(): GroupSpec {
  return { name: 'services', alerts: ALERTS };
}

const ALERTS: readonly AlertSpec[] = [
  alert('CitadelUnitFailed', 'critical', {
    expr: 'node_systemd_unit_state{state="failed", name=~"citadel-.+"} == 1',
    for: minutes(2),
    summary: '{{ $labels.name }} failed on {{ $labels.host }}',
    description: 'systemd has given it up: it will not start it again by itself.',
    runbook: {
      meaning: 'A part of Citadel stays down until someone does something.',
      look: [
        on('$host', 'systemctl status UNIT', 'shows how it ended'),
        on('$host', 'journalctl -u UNIT -n 200', 'shows its last words'),
        on('$host', 'nvidia-smi', 'shows whether the GPUs are there and have room'),
      ],
      fix: [
        on(
          '$host',
          'citadel restart NAME',
          'restarts it; NAME is what stands between "citadel-" and ".service"',
        ),
        'If it fails again, its own words say why: weights that are not there, a GPU without room, a port that is taken.',
      ],
      escalate: 'Wake the person responsible for the models if it failed three times with the same words.',
    },
    tests: [
      fires(
        'a model',
        { [series('node_systemd_unit_state', unit('citadel-phi3.service', 'failed'))]: steady(1) },
        { labels: unit('citadel-phi3.service', 'failed') },
      ),
      silent('one that is active, and one of someone else', {
        [series('node_systemd_unit_state', unit('citadel-phi3.service', 'active'))]: steady(1),
        [series('node_systemd_unit_state', unit('citadel-phi3.service', 'failed'))]: steady(0),
        [series('node_systemd_unit_state', unit('cron.service', 'failed'))]: steady(1),
      }),
    ],
  }),
  alert('UnitFailed', 'warning', {
    expr: 'node_systemd_unit_state{state="failed", name!~"citadel-.+"} == 1',
    for: minutes(2),
    summary: '{{ $labels.name }} failed on {{ $labels.host }}',
    description: 'systemd has given it up: it will not start it again by itself.',
    runbook: {
      meaning: 'A service of the operating system is down.',
      look: [
        on('$host', 'systemctl status UNIT', 'shows how it ended'),
        on('$host', 'journalctl -u UNIT -n 100', 'shows its last words'),
      ],
      fix: [
        on('$host', 'sudo systemctl restart UNIT', 'restarts it'),
        on(
          '$host',
          'sudo systemctl reset-failed UNIT',
          'forgets the failure of something that is no longer needed',
        ),
      ],
      escalate: 'Wait for the morning, except for ssh, networking and nftables.',
    },
    tests: [
      fires(
        'cron',
        { [series('node_systemd_unit_state', unit('cron.service', 'failed'))]: steady(1) },
        { labels: unit('cron.service', 'failed') },
      ),
      silent('one that is active, and one that has an alert of its own', {
        [series('node_systemd_unit_state', unit('cron.service', 'active'))]: steady(1),
        [series('node_systemd_unit_state', unit('cron.service', 'failed'))]: steady(0),
        [series('node_systemd_unit_state', unit('citadel-phi3.service', 'failed'))]: steady(1),
      }),
    ],
  }),
  alert('UnitRestarting', 'warning', {
    expr: 'increase(node_systemd_service_restart_total[30m]) > 3',
    summary: '{{ $labels.name }} on {{ $labels.host }} keeps being restarted',
    description: 'systemd started it again more than three times within half an hour.',
    runbook: {
      meaning: 'It ends soon after each start. Requests fail in between.',
      look: [on('$host', 'journalctl -u UNIT --since -40min', 'shows how it ends each time')],
      fix: [
        'Go back to the last configuration that worked: `npx citadel-iac rollback HOST` where you deploy from.',
        'For a model: see whether its GPU has room, with `nvidia-smi`.',
      ],
      escalate: 'Wait for the morning unless it serves people and going back did not help.',
    },
    tests: [
      fires(
        'four times',
        { [restarts('x.service')]: '0x30 1 2 3 4x30' },
        { labels: { ...NODE, name: 'x.service' } },
        minutes(34),
      ),
      silent('three times', { [restarts('x.service')]: '0x30 1 2 3x30' }, minutes(40)),
    ],
  }),
  alert('CitadelServiceDown', 'warning', {
    expr: 'citadel_service_active == 0',
    for: minutes(5),
    summary: '{{ $labels.unit }} is not running on {{ $labels.host }}',
    description: 'It belongs to what has to run on the node, and is stopped.',
    runbook: {
      meaning: 'Someone stopped it, or something that it needs is missing.',
      look: [
        on('$host', 'citadel health', 'shows what else is down'),
        on('$host', 'systemctl status UNIT', 'shows since when, and why'),
      ],
      fix: [
        on(
          '$host',
          'citadel start storage\ncitadel start gpu\ncitadel start models',
          'starts what everything else needs, then the models',
        ),
        on('$host', 'systemctl restart citadel-monitor.service', 'starts the monitor'),
      ],
      escalate:
        'Wait for the morning if the models answer. Ask first whether someone is working on the host.',
    },
    tests: [
      fires(
        'the monitor',
        { [series('citadel_service_active', { ...CITADEL, unit: 'citadel-monitor.service' })]: steady(0) },
        { labels: { ...CITADEL, unit: 'citadel-monitor.service' } },
      ),
      silent('all run', {
        [series('citadel_service_active', { ...CITADEL, unit: 'citadel-monitor.service' })]: steady(1),
      }),
    ],
  }),
  alert('TextfileBroken', 'warning', {
    expr: 'node_textfile_scrape_error == 1',
    for: minutes(15),
    summary: 'A textfile of {{ $labels.host }} cannot be read',
    description: 'What it has to say of backups, disks or drift is lost; the other files are still read.',
    runbook: {
      meaning:
        'Some program wrote a file in `/var/lib/prometheus/node-exporter` that is not in the format, or that the exporter may not read.',
      look: [
        on('$host', 'journalctl -u prometheus-node-exporter -g textfile -n 20', 'names the file'),
        on('$host', 'ls -l /var/lib/prometheus/node-exporter', 'shows who wrote it, and who may read it'),
      ],
      fix: ['Remove the file, and run the program that writes it once more.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires('one file', { [series('node_textfile_scrape_error', NODE)]: steady(1) }, { labels: NODE }),
      silent('none', { [series('node_textfile_scrape_error', NODE)]: steady(0) }),
    ],
  }),
  alert('LogsNotRotated', 'warning', {
    // Zero: it has not fired since the host was installed, which may be minutes ago.
    expr: `time() - (node_systemd_timer_last_trigger_seconds{name="logrotate.timer"} != 0) > ${ROTATED_SEC}`,
    for: Duration.hours(1),
    summary: 'The logs of {{ $labels.host }} were last rotated {{ $value | humanizeDuration }} ago',
    description: 'They are to be rotated every day. They grow until the disk is full.',
    runbook: {
      meaning: 'The timer that rotates logs does not fire: someone stopped it, or the clock was wrong.',
      look: [
        on('$host', 'systemctl list-timers logrotate.timer', 'shows when it last fired, and when it will'),
        on('$host', 'journalctl -u logrotate.service --since -7d', 'shows what it said'),
      ],
      fix: [
        on('$host', 'sudo systemctl enable --now logrotate.timer', 'lets it fire again'),
        on('$host', 'sudo systemctl start logrotate.service', 'rotates them now'),
      ],
      escalate: 'Wait for the morning unless [DiskSpaceLow](#diskspacelow) fires as well.',
    },
    tests: [
      fires(
        'for more than two days',
        { [timer('logrotate.timer')]: NOT_LATELY },
        { labels: { ...NODE, name: 'logrotate.timer' }, value: ROTATED_SEC + 60 + 3600 },
        ROTATED,
      ),
      silent('a little less', { [timer('logrotate.timer')]: NOT_LATELY }, minutes(ROTATED_SEC / 60 + 61)),
      silent(
        'not yet, or another timer',
        { [timer('logrotate.timer')]: `0x${LONG}`, [timer('fstrim.timer')]: NOT_LATELY },
        minutes(LONG),
      ),
    ],
  }),
];
