import { Duration } from '../../../constructs/units.js';
import type { Runbook } from '../../../constructs/monitoring/rules/index.js';
import {
  aged,
  alert,
  fires,
  minutes,
  neat,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import { above, below, type AlertSpec, type GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import type { NodesFacts } from './facts.js';

const DAILY = { ...NODE, backup: 'models-daily', model: 'phi3' };
const RUN = { ...NODE, backup: 'models-daily' };
const AGE = series('citadel_backup_max_age_seconds', RUN);
const EXPECTED_FILE = { ...NODE, file: '/var/lib/prometheus/node-exporter/citadel-expected.prom' };
const VERIFY_SEC = 700_000;
const VERIFY_AGE = series('citadel_backup_verify_max_age_seconds', NODE);
const VERIFIED = series('citadel_backup_verify_last_success_timestamp_seconds', NODE);
const KEY = 'host, backup, model';
/** For how long a host has been told what it has to have. */
const EXPECTED_FOR = 'time() - max by (host) (node_textfile_mtime_seconds{file=~".*/citadel-expected.prom"})';

const STATUS = [
  on(
    '$host',
    '/opt/citadel/scripts/backup_manager.py status',
    'shows what there is, how old it is, and what is wrong',
  ),
  on('$host', 'df -h /mnt/citadel-backup', 'shows whether the disk is there and has room'),
  on('$host', 'journalctl -t citadel-backup --since -2d', 'shows what the last runs said'),
];
const BY_HAND = [
  on(
    '$host',
    '/opt/citadel/scripts/backup_models.py --type daily --model MODEL',
    'makes a backup of one model now, and says what is wrong',
  ),
  on('$host', '/opt/citadel/scripts/backup_configs.py', 'makes one of the configuration'),
];
const DISKS = on(
  '$host',
  'sudo /opt/citadel/scripts/collect_smart.py --dry-run',
  'shows whether a disk is failing',
);
const MORNING =
  'Wait for the morning, unless the disk that holds the originals has an alert as well: then wake the person responsible for the hardware.';

const READ_BACK: Runbook = {
  meaning: 'A backup that was never read back is a hope.',
  look: [...STATUS, on('$host', 'cat /etc/cron.d/citadel-backup', 'shows when they are read back')],
  fix: [
    on(
      '$host',
      '/opt/citadel/scripts/backup_manager.py validate-all',
      'reads all of them back, which takes hours, and names what is damaged',
    ),
  ],
  escalate: 'Wait for the morning.',
};

/** Backups: made, in time, whole, of the right size, and with room for the next. */
export function backupAlerts({ thresholds, backupMounts }: NodesFacts): GroupSpec {
  const [disk, change] = [thresholds.backupDiskPercent, thresholds.backupSizeChangePercent];
  const mounts = [...new Set(backupMounts)].sort();
  return {
    name: 'backups',
    alerts: [
      ...AGES,
      ...RESULTS,
      sizeAnomaly(neat(1 - change / 100)),
      ...(mounts.length === 0 ? [] : [diskLow(disk, mounts)]),
    ],
  };
}

const AGES: readonly AlertSpec[] = [
  alert('BackupStale', 'warning', {
    expr:
      'time() - citadel_backup_last_success_timestamp_seconds\n' +
      '> on (host, backup) group_left () max by (host, backup) (citadel_backup_max_age_seconds)',
    for: minutes(15),
    summary:
      'Backup {{ $labels.backup }} {{ $labels.model }} of {{ $labels.host }} last worked {{ $value | humanizeDuration }} ago',
    description: 'It should have worked again by now. What changed since would be lost with the disk.',
    runbook: {
      meaning: 'The newest good backup is older than it may become. The originals are still there.',
      look: STATUS,
      fix: BY_HAND,
      escalate: MORNING,
    },
    tests: [
      fires(
        'a little too old',
        { [series('citadel_backup_last_success_timestamp_seconds', DAILY)]: aged(3600), [AGE]: steady(3600) },
        { labels: DAILY, value: 3600 + 16 * 60 },
        minutes(11),
      ),
      silent('another one is old, and may be', {
        [series('citadel_backup_last_success_timestamp_seconds', DAILY)]: aged(3600, 60),
        [AGE]: steady(3600),
        [series('citadel_backup_last_success_timestamp_seconds', { ...DAILY, backup: 'models-weekly' })]:
          aged(7200),
        [series('citadel_backup_max_age_seconds', { ...RUN, backup: 'models-weekly' })]: steady(86_400),
      }),
    ],
  }),
  alert('BackupNeverRan', 'warning', {
    expr:
      `(citadel_backup_expected unless on (${KEY}) citadel_backup_last_success_timestamp_seconds)\n` +
      'and on (host, backup) (\n' +
      '  citadel_backup_max_age_seconds\n' +
      `  < on (host) group_left () (${EXPECTED_FOR})\n` +
      ')',
    for: minutes(15),
    summary: 'Backup {{ $labels.backup }} {{ $labels.model }} of {{ $labels.host }} has never worked',
    description: 'It has been expected for longer than it may be old, and there is none.',
    runbook: {
      meaning: 'There is no backup at all. A broken disk now means a loss.',
      look: STATUS,
      fix: BY_HAND,
      escalate: MORNING,
    },
    tests: [
      fires(
        'expected for too long',
        {
          [series('citadel_backup_expected', DAILY)]: steady(1),
          [series('citadel_backup_expected', { ...DAILY, model: 'openchat' })]: steady(1),
          [series('citadel_backup_last_success_timestamp_seconds', { ...DAILY, model: 'openchat' })]:
            steady(0),
          [AGE]: steady(3600),
          [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(3600),
        },
        { labels: DAILY },
        minutes(11),
      ),
      silent('expected since today', {
        [series('citadel_backup_expected', DAILY)]: steady(1),
        [AGE]: steady(3600),
        [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(3600, 60),
      }),
      silent(
        'it has worked once',
        {
          [series('citadel_backup_expected', DAILY)]: steady(1),
          [series('citadel_backup_last_success_timestamp_seconds', DAILY)]: steady(0),
          [AGE]: steady(3600),
          [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(3600),
        },
        minutes(40),
      ),
    ],
  }),
  alert('BackupVerifyStale', 'warning', {
    expr:
      'time() - citadel_backup_verify_last_success_timestamp_seconds\n' +
      '> on (host) group_left () citadel_backup_verify_max_age_seconds',
    for: minutes(15),
    summary: 'The backups of {{ $labels.host }} were last found whole {{ $value | humanizeDuration }} ago',
    description: 'They should have been read back again by now. No one knows whether they can be restored.',
    runbook: READ_BACK,
    tests: [
      fires(
        'a little too long ago',
        { [VERIFIED]: aged(VERIFY_SEC), [VERIFY_AGE]: steady(VERIFY_SEC) },
        { labels: NODE, value: VERIFY_SEC + 960 },
        minutes(11),
      ),
      silent(
        'a little less',
        { [VERIFIED]: aged(VERIFY_SEC, 60), [VERIFY_AGE]: steady(VERIFY_SEC) },
        minutes(60),
      ),
    ],
  }),
  alert('BackupNeverVerified', 'warning', {
    expr:
      '(citadel_backup_verify_max_age_seconds unless on (host) citadel_backup_verify_last_success_timestamp_seconds)\n' +
      `< on (host) group_left () (${EXPECTED_FOR})`,
    for: minutes(15),
    summary: 'The backups of {{ $labels.host }} have never been found whole',
    description:
      'They are to be read back regularly, and that has not ended well once. No one knows whether they can be restored.',
    runbook: READ_BACK,
    tests: [
      fires(
        'for too long',
        {
          [VERIFY_AGE]: steady(VERIFY_SEC),
          [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(VERIFY_SEC),
          [series('node_textfile_mtime_seconds', { ...EXPECTED_FILE, file: '/x/citadel-backup.prom' })]:
            steady(6e5),
        },
        { labels: NODE, value: VERIFY_SEC },
        minutes(11),
      ),
      silent(
        'the host is new',
        {
          [VERIFY_AGE]: steady(VERIFY_SEC),
          [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(VERIFY_SEC, 60),
        },
        minutes(60),
      ),
      silent(
        'they were, once',
        {
          [VERIFY_AGE]: steady(VERIFY_SEC),
          [VERIFIED]: steady(0),
          [series('node_textfile_mtime_seconds', EXPECTED_FILE)]: aged(VERIFY_SEC),
        },
        minutes(40),
      ),
    ],
  }),
];

const RESULTS: readonly AlertSpec[] = [
  alert('BackupFailed', 'warning', {
    expr: 'citadel_backup_last_run_success == 0',
    // The configuration is saved every quarter of an hour: one run that fails is made good by the next.
    for: minutes(30),
    summary: 'Backup {{ $labels.backup }} of {{ $labels.host }} fails',
    description:
      'Its last run failed, and no run has worked in the half hour since; until one does, the backup before it is the newest.',
    runbook: {
      meaning: 'A backup failed. The one before it is still there.',
      look: STATUS,
      fix: BY_HAND,
      escalate: MORNING,
    },
    tests: [
      fires('a failure', { [series('citadel_backup_last_run_success', RUN)]: steady(0) }, { labels: RUN }),
      silent('a success', { [series('citadel_backup_last_run_success', RUN)]: steady(1) }),
      silent(
        'one failure of those that run every quarter of an hour',
        { [series('citadel_backup_last_run_success', { ...NODE, backup: 'configs' })]: '1x15 0x14 1x60' },
        minutes(31),
      ),
    ],
  }),
  alert('BackupVerifyFailed', 'warning', {
    expr: 'citadel_backup_verify_success == 0',
    for: minutes(1),
    summary: 'The newest backup of {{ $labels.model }} on {{ $labels.host }} is damaged',
    description: 'Reading it back failed. Treat it as if it were not there.',
    runbook: {
      meaning: 'It could not be restored from. The disk that holds it may be failing.',
      look: [
        on(
          '$host',
          '/opt/citadel/scripts/backup_manager.py verify /mnt/citadel-backup/models/daily/',
          'names what is damaged',
        ),
        DISKS,
      ],
      fix: [BY_HAND[0] ?? '', 'Then remove the damaged one.'],
      escalate: MORNING,
    },
    tests: [
      fires(
        'damaged',
        { [series('citadel_backup_verify_success', { ...NODE, model: 'phi3' })]: steady(0) },
        { labels: { ...NODE, model: 'phi3' } },
      ),
      silent('whole', { [series('citadel_backup_verify_success', { ...NODE, model: 'phi3' })]: steady(1) }),
    ],
  }),
  alert('BackupArchiveDamaged', 'warning', {
    expr: 'citadel_backup_archive_damaged == 1',
    for: minutes(1),
    summary: '{{ $labels.archive }} on {{ $labels.host }} is damaged',
    description: 'An archive of {{ $labels.model }}, not the newest, cannot be read back.',
    runbook: {
      meaning: 'One of the older backups is lost. If more are, it is the disk.',
      look: [
        on('$host', '/opt/citadel/scripts/backup_manager.py validate-all', 'shows which ones are good'),
        DISKS,
      ],
      fix: ['Remove the damaged archive once there is a newer good one.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'an old one',
        {
          [series('citadel_backup_archive_damaged', { ...NODE, model: 'phi3', archive: 'a.tar.zst' })]:
            steady(1),
        },
        { labels: { ...NODE, model: 'phi3', archive: 'a.tar.zst' } },
      ),
      silent('a good one', {
        [series('citadel_backup_archive_damaged', { ...NODE, model: 'phi3', archive: 'a.tar.zst' })]:
          steady(0),
      }),
    ],
  }),
];

function sizeAnomaly(least: number): AlertSpec {
  const usual = 'avg_over_time(citadel_backup_size_bytes[7d] offset 1d)';
  const most = neat(1 / least);
  const size = series('citadel_backup_size_bytes', DAILY);
  // One value each five minutes; the change comes after a day and ten minutes.
  const test = (after: number) => ({ [size]: `1000x289 ${neat(after)}x30` });
  const every = { interval: minutes(5) };
  return alert('BackupSizeAnomaly', 'warning', {
    expr: `citadel_backup_size_bytes < ${least} * ${usual}\nor citadel_backup_size_bytes > ${most} * ${usual}`,
    for: minutes(30),
    summary:
      'Backup {{ $labels.backup }} {{ $labels.model }} of {{ $labels.host }} has an unusual size: {{ $value | humanize1024 }}B',
    description:
      'It differs greatly from those of the week before: something is missing in it, or does not belong there.',
    runbook: {
      meaning: 'A backup that suddenly is half as large has usually lost half of what it should hold.',
      look: [
        ...STATUS.slice(0, 1),
        on(
          '$host',
          'ls -la /opt/citadel/models/ && du -sh /mnt/citadel-models/active/*',
          'shows how large the originals are',
        ),
      ],
      fix: [
        'If the model itself was replaced, nothing: the alert ends when a week has passed.',
        ...BY_HAND.slice(0, 1),
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      {
        ...fires(
          'much smaller',
          test(below(1000 * least)),
          { labels: DAILY, value: below(1000 * least) },
          minutes(1450),
        ),
        ...every,
      },
      {
        ...fires(
          'much larger',
          test(above(1000 * most)),
          { labels: DAILY, value: above(1000 * most) },
          minutes(1450),
        ),
        ...every,
      },
      { ...silent('a little smaller', test(above(1000 * least)), minutes(1500)), ...every },
      { ...silent('a little larger', test(below(1000 * most)), minutes(1500)), ...every },
    ],
  });
}

function diskLow(level: number, mounts: readonly string[]): AlertSpec {
  const mountpoint = mounts[0] ?? '';
  const disk = { ...NODE, device: '/dev/sda1', fstype: 'ext4', mountpoint };
  const room = (free: number, labels = disk) => ({
    [series('node_filesystem_avail_bytes', labels)]: steady(neat(free)),
    [series('node_filesystem_size_bytes', labels)]: steady(100),
  });
  const pattern = JSON.stringify(
    mounts.map((mount) => mount.replaceAll(/[.+*?^$()[\]{}|\\]/g, '[$&]')).join('|'),
  );
  return alert('BackupDiskLow', 'warning', {
    expr: `100 * (1 - node_filesystem_avail_bytes{mountpoint=~${pattern}} / node_filesystem_size_bytes) > ${level}`,
    for: Duration.minutes(30),
    summary:
      '{{ $labels.mountpoint }} on {{ $labels.host }} is {{ $value | printf "%.0f" }} % full: backups will fail',
    description: `More than ${level} % of the backup disk is in use.`,
    runbook: {
      meaning: 'The next weekly or monthly backup may not find room.',
      look: STATUS.slice(0, 2),
      fix: [
        on(
          '$host',
          '/opt/citadel/scripts/backup_manager.py cleanup 30',
          'removes what is older than thirty days; the last good one of a model stays',
        ),
        'Keep fewer of them: `backup.models.daily.keep` and the like in the inventory.',
      ],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires('a little above the level', room(100 - above(level)), { labels: disk, value: above(level) }),
      silent(
        'a little below it, and another disk is full',
        { ...room(100 - below(level)), ...room(0, { ...disk, mountpoint: '/' }) },
        minutes(50),
      ),
    ],
  });
}
