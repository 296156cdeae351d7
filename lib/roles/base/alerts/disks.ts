import {
  alert,
  fires,
  minutes,
  neat,
  NODE,
  on,
  series,
  silent,
  steady,
  CITADEL,
} from '../../../constructs/monitoring/alerts/spec.js';
import {
  above,
  below,
  type AlertFacts,
  type AlertSpec,
  type GroupSpec,
} from '../../../constructs/monitoring/alerts/spec.js';
import { Duration } from '../../../constructs/units.js';

/** Not disks: they are full or empty by nature. */
const DISK = 'fstype!~"tmpfs|ramfs|squashfs|fuse.*"';
const FS = { ...NODE, device: '/dev/sda1', fstype: 'ext4', mountpoint: '/data' };

function space(avail: number, labels: Readonly<Record<string, string>> = FS, readonly = 0) {
  return {
    [series('node_filesystem_avail_bytes', labels)]: steady(avail),
    [series('node_filesystem_size_bytes', labels)]: steady(100),
    [series('node_filesystem_readonly', labels)]: steady(readonly),
  };
}

/** File systems: room, mounts, errors, and the links that lead to the models. */
export function diskAlerts({ thresholds }: Pick<AlertFacts, 'thresholds'>): GroupSpec {
  const levels = (['warning', 'critical'] as const).map((severity): AlertSpec => {
    const level = thresholds.diskPercent[severity];
    return alert('DiskSpaceLow', severity, {
      expr:
        `100 * (1 - node_filesystem_avail_bytes{${DISK}} / node_filesystem_size_bytes) > ${level}\n` +
        'and on (host, device, mountpoint) node_filesystem_readonly == 0',
      for: minutes(10),
      summary: '{{ $labels.mountpoint }} on {{ $labels.host }} is {{ $value | printf "%.0f" }} % full',
      description: `More than ${level} % for ten minutes. What writes there fails when it is full.`,
      runbook: {
        meaning:
          'The file system is running full. Logs and backups stop first, and on `/` everything else follows.',
        look: [
          on('$host', 'df -h -x tmpfs', 'shows how full the disks are'),
          on('$host', 'sudo du -x -d2 -h MOUNTPOINT | sort -h | tail -20', 'shows what takes the room'),
        ],
        fix: [
          on(
            'an AI node',
            '/opt/citadel/scripts/backup_manager.py cleanup 30',
            'removes backups that are older than thirty days; the last good one of a model stays',
          ),
          on('an AI node', 'find /opt/citadel/logs -name "*.log" -mtime +7 -delete', 'removes old logs'),
          on('$host', 'sudo journalctl --vacuum-size=1G', 'shortens the journal'),
          'On the monitoring server it is mostly `/var/lib/prometheus/metrics2`: lower `retentionDays`, or set `retentionSizeGiB`, in the inventory, and deploy. Never delete files there by hand.',
          'Models that no one uses any more are taken out of the inventory, and their folders moved away.',
        ],
        escalate:
          'Critical: wake the person responsible for the models if only models are left to delete. Warning: wait for the morning.',
      },
      tests: [
        fires('a little above the level', space(neat(100 - above(level))), {
          labels: FS,
          value: above(level),
        }),
        silent('a little below it', space(neat(100 - below(level)))),
        silent('a full medium that cannot be written', space(0, FS, 1)),
        silent('a full tmpfs', space(0, { ...FS, fstype: 'tmpfs' })),
      ],
    });
  });
  return { name: 'disks', alerts: [...levels, ...FILESYSTEMS, ...PLACES] };
}

const shrinking = (from: number, size: number) => ({
  [series('node_filesystem_avail_bytes', FS)]: `${from}-1x400`,
  [series('node_filesystem_size_bytes', FS)]: `${size}x400`,
});

const FILESYSTEMS: readonly AlertSpec[] = [
  alert('DiskFullIn24h', 'warning', {
    expr:
      `predict_linear(node_filesystem_avail_bytes{${DISK}}[6h], 86400) < 0\n` +
      // Where room was made, six hours still say what was before.
      'and node_filesystem_avail_bytes < node_filesystem_avail_bytes offset 1h\n' +
      'and node_filesystem_avail_bytes / node_filesystem_size_bytes < 0.4',
    for: Duration.hours(1),
    summary: '{{ $labels.mountpoint }} on {{ $labels.host }} will be full within a day',
    description: 'It would be, if it went on as in the last six hours, and less than two fifths are left.',
    runbook: {
      meaning: 'Something writes and does not stop. There is still time to find it.',
      look: [
        on(
          '$host',
          'sudo find MOUNTPOINT -xdev -mmin -360 -size +100M -printf "%s %p\\n" | sort -n | tail',
          'shows large files written in the last six hours',
        ),
        on('$host', 'sudo du -x -d2 -h MOUNTPOINT | sort -h | tail -20', 'shows what takes the room'),
      ],
      fix: [
        'A download or a backup that will end in time is left alone.',
        'Otherwise stop what writes, and remove what it wrote.',
      ],
      escalate: 'Wait for the morning unless it will be full before that.',
    },
    tests: [
      {
        ...fires('it would be full in 24 hours', shrinking(600.1, 2000), { labels: FS }, minutes(361)),
        interval: minutes(3),
      },
      {
        ...fires('less than two fifths are left', shrinking(560, 1000), { labels: FS }, minutes(483)),
        interval: minutes(3),
      },
      {
        ...silent('more than two fifths are left', shrinking(564, 1000), minutes(480)),
        interval: minutes(3),
      },
      {
        ...silent(
          'room was just made',
          {
            [series('node_filesystem_avail_bytes', FS)]: '160-1x150 300x400',
            [series('node_filesystem_size_bytes', FS)]: '1000x550',
          },
          minutes(459),
        ),
        interval: minutes(3),
      },
      {
        ...silent(
          'a tmpfs',
          {
            [series('node_filesystem_avail_bytes', { ...FS, fstype: 'tmpfs' })]: '560-1x400',
            [series('node_filesystem_size_bytes', { ...FS, fstype: 'tmpfs' })]: '1000x400',
          },
          minutes(600),
        ),
        interval: minutes(3),
      },
    ],
  }),
  alert('InodesLow', 'warning', {
    expr: `100 * node_filesystem_files_free{${DISK}} / node_filesystem_files < 5`,
    for: minutes(15),
    summary:
      '{{ $labels.mountpoint }} on {{ $labels.host }} has {{ $value | printf "%.1f" }} % of its inodes left',
    description: 'Without an inode no file can be made, however much room there is.',
    runbook: {
      meaning: 'Someone makes very many small files.',
      look: [on('$host', 'sudo du -x -d2 --inodes MOUNTPOINT | sort -n | tail', 'shows where they are')],
      fix: ['Remove them, and stop what makes them.'],
      escalate: 'Wait for the morning.',
    },
    tests: [
      fires(
        'a little below the level',
        {
          [series('node_filesystem_files_free', FS)]: steady(4.95),
          [series('node_filesystem_files', FS)]: steady(100),
        },
        { labels: FS, value: 4.95 },
      ),
      silent('a little above it', {
        [series('node_filesystem_files_free', FS)]: steady(5.05),
        [series('node_filesystem_files', FS)]: steady(100),
      }),
      silent('a file system that counts none', {
        [series('node_filesystem_files_free', FS)]: steady(0),
        [series('node_filesystem_files', FS)]: steady(0),
      }),
      silent('a tmpfs', {
        [series('node_filesystem_files_free', { ...FS, fstype: 'tmpfs' })]: steady(0),
        [series('node_filesystem_files', { ...FS, fstype: 'tmpfs' })]: steady(100),
      }),
    ],
  }),
  alert('FilesystemReadOnly', 'critical', {
    expr: 'node_filesystem_readonly{fstype=~"ext[234]|xfs|btrfs"} == 1',
    for: minutes(1),
    summary: '{{ $labels.mountpoint }} on {{ $labels.host }} became read-only',
    description: 'The kernel does this after an error on {{ $labels.device }}, to save what is there.',
    runbook: {
      meaning: 'The disk or its cable failed, or the file system is damaged. Nothing can be written there.',
      look: [
        on('$host', 'sudo dmesg -T --level=err,warn | tail -50', 'shows what the kernel met'),
        on(
          'an AI node',
          'sudo /opt/citadel/scripts/collect_smart.py --dry-run',
          'shows what every disk says of itself',
        ),
      ],
      fix: [
        'Make sure that there is a good backup before anything else.',
        on(
          'where you deploy from',
          'npx citadel-iac reboot HOST',
          'a boot checks the system disk (`/`); have its console in sight',
        ),
        on(
          'an AI node',
          'citadel stop models\nsudo umount MOUNTPOINT\nsudo fsck DEVICE\nsudo mount MOUNTPOINT\ncitadel start models',
          'checks a disk that models are on',
        ),
        'A disk that reports errors is replaced, not fixed.',
      ],
      escalate: 'Wake the person responsible for the hardware now.',
    },
    tests: [
      fires('a disk', { [series('node_filesystem_readonly', FS)]: steady(1) }, { labels: FS }),
      silent('a disk that can be written, and a medium that never could', {
        [series('node_filesystem_readonly', FS)]: steady(0),
        [series('node_filesystem_readonly', { ...FS, fstype: 'iso9660' })]: steady(1),
      }),
    ],
  }),
  alert('FilesystemUnreadable', 'warning', {
    expr: `node_filesystem_device_error{${DISK}} == 1`,
    for: minutes(5),
    summary: '{{ $labels.mountpoint }} on {{ $labels.host }} cannot be read',
    description:
      'Asking the file system for its size fails: a disk that is gone, or a server that does not answer.',
    runbook: {
      meaning: 'The mount is there, and what is behind it is not.',
      look: [
        on('$host', 'findmnt MOUNTPOINT; ls MOUNTPOINT', 'shows what is mounted, and the error'),
        on('$host', 'lsblk', 'shows whether the disk is there'),
      ],
      fix: [on('$host', 'sudo umount -l MOUNTPOINT && sudo mount MOUNTPOINT', 'mounts it again')],
      escalate:
        'Wait for the morning unless [MountMissing](#mountmissing) fires as well, or people use what is on the disk.',
    },
    tests: [
      fires('a disk', { [series('node_filesystem_device_error', FS)]: steady(1) }, { labels: FS }),
      silent('a disk that answers, and a user’s own mount', {
        [series('node_filesystem_device_error', FS)]: steady(0),
        [series('node_filesystem_device_error', { ...FS, fstype: 'fuse.sshfs' })]: steady(1),
      }),
    ],
  }),
];

const PLACES: readonly AlertSpec[] = [
  alert('MountMissing', 'critical', {
    expr: 'citadel_mount_expected unless on (host, mountpoint) node_filesystem_size_bytes',
    for: minutes(5),
    summary: '{{ $labels.mountpoint }} is not mounted on {{ $labels.host }}',
    description: 'The inventory names the mount, and nothing is mounted there.',
    runbook: {
      meaning: 'Models or backups are out of reach. Programs that write there anyway fill the system disk.',
      look: [
        on('$host', 'mount | grep citadel; lsblk -f', 'shows what is mounted, and which disks there are'),
        on(
          '$host',
          'systemctl status "$(systemd-escape -p --suffix=mount MOUNTPOINT)"',
          'shows why it is not',
        ),
      ],
      fix: [
        on('$host', 'sudo mount MOUNTPOINT', 'mounts it as /etc/fstab says'),
        on(
          '$host',
          '/opt/citadel/scripts/storage_manager.py verify-prereq',
          'shows whether everything is in place again',
        ),
        on('$host', 'citadel start models', 'starts what waited for it'),
      ],
      escalate: 'Wake the person responsible for the hardware if the disk does not show in `lsblk`.',
    },
    tests: [
      fires(
        'another one is there',
        {
          [series('citadel_mount_expected', { ...NODE, mountpoint: '/data' })]: steady(1),
          [series('node_filesystem_size_bytes', { ...FS, mountpoint: '/' })]: steady(1),
        },
        { labels: { ...NODE, mountpoint: '/data' } },
      ),
      silent('it is there', {
        [series('citadel_mount_expected', { ...NODE, mountpoint: '/data' })]: steady(1),
        [series('node_filesystem_size_bytes', FS)]: steady(1),
      }),
    ],
  }),
  alert('StorageLinkBroken', 'warning', {
    expr: 'citadel_storage_link_ok == 0',
    for: minutes(5),
    summary: '{{ $labels.path }} on {{ $labels.host }} leads nowhere',
    description: 'A link that models are found by is missing, or leads to the wrong place.',
    runbook: {
      meaning: 'A model that is started now does not find its weights. Running ones go on.',
      look: [
        on('$host', '/opt/citadel/scripts/storage_manager.py verify-symlinks', 'shows which links are wrong'),
      ],
      fix: [on('$host', '/opt/citadel/scripts/storage_manager.py repair-symlinks', 'makes them again')],
      escalate: 'Wait for the morning if the models run.',
    },
    tests: [
      fires(
        'a link',
        { [series('citadel_storage_link_ok', { ...CITADEL, path: '/opt/citadel/models' })]: steady(0) },
        { labels: { ...CITADEL, path: '/opt/citadel/models' } },
      ),
      silent('all are well', {
        [series('citadel_storage_link_ok', { ...CITADEL, path: '/opt/citadel/models' })]: steady(1),
      }),
    ],
  }),
];
