import { MISSED_LOOKS, SMART_READ_EVERY } from '../../../constructs/intervals.js';
import { Duration } from '../../../constructs/units.js';
import {
  alert,
  fires,
  minutes,
  NODE,
  on,
  series,
  silent,
  steady,
  aged,
} from '../../../constructs/monitoring/alerts/spec.js';
import {
  above,
  below,
  type AlertFacts,
  type AlertSpec,
  type GroupSpec,
} from '../../../constructs/monitoring/alerts/spec.js';

const DISK = { ...NODE, device: '/dev/sda' };
const LOOK = [on('$host', 'sudo smartctl -a DEVICE', 'shows what the disk says of itself')];
const REPLACE = [
  on(
    '$host',
    '/opt/citadel/scripts/backup_manager.py validate-all',
    'shows whether the backups are good, before anything else',
  ),
  'Order a disk, replace it in daylight, and restore from the backup.',
];
const STALE_SEC = MISSED_LOOKS * SMART_READ_EVERY.toSeconds();

/** What disks say of themselves. */
export function smartAlerts({ thresholds }: Pick<AlertFacts, 'thresholds'>): GroupSpec {
  const hot = (['warning', 'critical'] as const).map((severity): AlertSpec => {
    const level = thresholds.smartTemperatureCelsius[severity];
    return alert('DiskHot', severity, {
      expr: `citadel_smart_temperature_celsius > ${level}`,
      for: minutes(15),
      summary: '{{ $labels.device }} of {{ $labels.host }} is {{ $value | printf "%.0f" }} °C hot',
      description: `More than ${level} °C for a quarter of an hour. Disks slow down, and age, above it.`,
      runbook: {
        meaning: 'A disk is too hot: a fan, a filter, or much more work than usual.',
        look: [
          ...LOOK,
          on(
            '$host',
            'nvidia-smi --query-gpu=index,temperature.gpu --format=csv',
            'shows whether the GPUs are hot as well, which means the room',
          ),
        ],
        fix: ['Let a backup that is running end. Look at the fans and at the temperature of the room.'],
        escalate:
          'Critical: wake the person responsible for the machine room if GPUs and disks are all hot. Warning: wait for the morning.',
      },
      tests: [
        fires(
          'a little above the level',
          { [series('citadel_smart_temperature_celsius', DISK)]: steady(above(level)) },
          { labels: DISK, value: above(level) },
        ),
        silent('a little below it', {
          [series('citadel_smart_temperature_celsius', DISK)]: steady(below(level)),
        }),
      ],
    });
  });
  const worn = thresholds.smartUsedPercent;
  return {
    name: 'smart',
    alerts: [
      ...hot,
      ...SELF_TESTS,
      alert('DiskWornOut', 'warning', {
        expr: `100 * citadel_smart_percentage_used_ratio > ${worn}`,
        for: Duration.hours(1),
        summary:
          '{{ $labels.device }} of {{ $labels.host }} has used {{ $value | printf "%.0f" }} % of its life',
        description: `Its maker promises no more than 100 %; the level is ${worn} %.`,
        runbook: {
          meaning: 'The disk has been written to nearly as often as it can be. It works until it does not.',
          look: LOOK,
          fix: REPLACE,
          escalate: 'Wait for the morning.',
        },
        tests: [
          fires(
            'a little above the level',
            { [series('citadel_smart_percentage_used_ratio', DISK)]: steady(above(worn) / 100) },
            { labels: DISK, value: above(worn) },
          ),
          silent(
            'a little below it',
            { [series('citadel_smart_percentage_used_ratio', DISK)]: steady(below(worn) / 100) },
            Duration.minutes(90),
          ),
        ],
      }),
    ],
  };
}

const SELF_TESTS: readonly AlertSpec[] = [
  alert('DiskFailing', 'critical', {
    expr: 'citadel_smart_healthy == 0',
    for: minutes(5),
    summary: '{{ $labels.device }} of {{ $labels.host }} says that it is failing',
    description: 'The disk’s own health test no longer passes.',
    runbook: {
      meaning: 'The disk expects to fail soon. It may still work for weeks, or stop tonight.',
      look: LOOK,
      fix: REPLACE,
      escalate: 'Wake the person responsible for the hardware if there is no good backup of what is on it.',
    },
    tests: [
      fires('its test fails', { [series('citadel_smart_healthy', DISK)]: steady(0) }, { labels: DISK }),
      silent('its test passes', { [series('citadel_smart_healthy', DISK)]: steady(1) }),
    ],
  }),
  alert('DiskSectorsUnreadable', 'warning', {
    expr: 'citadel_smart_pending_sectors > 0',
    for: Duration.hours(2),
    summary:
      '{{ $value | printf "%.0f" }} sectors of {{ $labels.device }} on {{ $labels.host }} cannot be read',
    description: 'The disk waits for them to be written again, and then gives them up or takes them back.',
    runbook: {
      meaning: 'What stood there is lost, unless a backup or an array has it. Such disks fail within months.',
      look: LOOK,
      fix: REPLACE,
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'one',
        { [series('citadel_smart_pending_sectors', DISK)]: steady(1, 300) },
        { labels: DISK, value: 1 },
      ),
      silent('none', { [series('citadel_smart_pending_sectors', DISK)]: steady(0, 300) }, minutes(200)),
    ],
  }),
  alert('DiskErrorsGrow', 'warning', {
    expr:
      'delta(citadel_smart_media_errors[1d]) > 0\n' + 'or delta(citadel_smart_reallocated_sectors[1d]) > 0',
    summary: '{{ $labels.device }} of {{ $labels.host }} has met new errors within a day',
    description:
      'Blocks could not be read back, or were given up. A few old ones are usual; new ones are not.',
    runbook: {
      meaning: 'The disk begins to fail, months before its own test says so.',
      look: LOOK,
      fix: REPLACE,
      escalate: 'Wait for the morning.',
    },
    tests: [
      ...['media_errors', 'reallocated_sectors'].map((what) =>
        fires(
          what.replaceAll('_', ' '),
          { [series(`citadel_smart_${what}`, DISK)]: '3x1440 4x60' },
          { labels: DISK },
          minutes(1441),
        ),
      ),
      silent(
        'old ones',
        {
          [series('citadel_smart_media_errors', DISK)]: '2x10 3x3000',
          [series('citadel_smart_reallocated_sectors', DISK)]: '2x10 3x3000',
        },
        Duration.hours(26),
      ),
    ],
  }),
  alert('DiskWarning', 'warning', {
    expr: 'citadel_smart_critical_warning > 0',
    for: minutes(5),
    summary: '{{ $labels.device }} of {{ $labels.host }} has a warning ({{ $value | printf "%.0f" }})',
    description:
      'An NVMe disk raises a warning: 1 spare blocks, 2 temperature, 4 reliability, 8 read-only, 16 backup power.',
    runbook: {
      meaning: 'The disk has something to say; the number is the sum of its reasons.',
      look: LOOK,
      fix: [
        'Temperature alone passes when it is cooled. Everything else means that the disk is to be replaced.',
        ...REPLACE,
      ],
      escalate:
        'Wait for the morning, except for 4 and 8, alone or in a sum: wake the person responsible for the hardware.',
    },
    tests: [
      fires(
        'one reason',
        { [series('citadel_smart_critical_warning', DISK)]: steady(1) },
        { labels: DISK, value: 1 },
      ),
      silent('none', { [series('citadel_smart_critical_warning', DISK)]: steady(0) }),
    ],
  }),
  alert('DiskCheckStale', 'warning', {
    expr: `time() - citadel_smart_last_run_timestamp_seconds > ${STALE_SEC}`,
    for: minutes(15),
    summary: 'The disks of {{ $labels.host }} were last asked {{ $value | humanizeDuration }} ago',
    description: 'They are asked every hour. A disk that fails now would not be noticed.',
    runbook: {
      meaning: 'The program that asks the disks does not run, or fails.',
      look: [
        on('$host', 'sudo /opt/citadel/scripts/collect_smart.py', 'runs it by hand, and says what is wrong'),
        on('$host', 'journalctl -u citadel-smart.service --since -2d', 'shows its last runs'),
      ],
      fix: ['Do what it says. It needs smartmontools, and root for the disks.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'after four looks that did not happen',
        { [series('citadel_smart_last_run_timestamp_seconds', NODE)]: aged(STALE_SEC) },
        { labels: NODE, value: STALE_SEC + 960 },
        minutes(11),
      ),
      silent(
        'a little less',
        { [series('citadel_smart_last_run_timestamp_seconds', NODE)]: aged(STALE_SEC, 60) },
        minutes(60),
      ),
    ],
  }),
  alert('DiskCheckMissing', 'warning', {
    // Where GPUs are expected the disks are asked: both come with an AI node.
    expr: 'citadel_gpu_expected unless on (host) citadel_smart_last_run_timestamp_seconds',
    for: Duration.hours(1),
    summary: 'The disks of {{ $labels.host }} have never been asked how they are',
    description: 'There is no result: a disk that fails now would not be noticed.',
    runbook: {
      meaning: 'The program that asks the disks never ran to its end.',
      look: [
        on('$host', 'systemctl list-timers citadel-smart.timer', 'shows whether there is a timer'),
        on('$host', 'journalctl -u citadel-smart.service -n 50', 'shows what the program said'),
      ],
      fix: [
        on('$host', 'sudo /opt/citadel/scripts/collect_smart.py', 'runs it by hand, and says what is wrong'),
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires('no result', { [series('citadel_gpu_expected', NODE)]: steady(2) }, { labels: NODE, value: 2 }),
      silent(
        'a result',
        {
          [series('citadel_gpu_expected', NODE)]: steady(2),
          [series('citadel_smart_last_run_timestamp_seconds', NODE)]: steady(0),
        },
        minutes(90),
      ),
    ],
  }),
];
