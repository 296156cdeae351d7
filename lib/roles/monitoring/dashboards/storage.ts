import {
  levels,
  query,
  stat,
  table,
  timeseries,
  UID,
  type DashboardFacts,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec, RowSpec } from '../../../constructs/monitoring/dashboards/spec.js';

const DISKS = 'fstype!~"tmpfs|ramfs|overlay"';

export function storageDashboard({ thresholds, backups }: DashboardFacts): DashboardSpec {
  const share = levels(thresholds.diskPercent.warning / 100, thresholds.diskPercent.critical / 100);
  return {
    uid: UID.storage,
    title: 'Citadel storage and backups',
    description: 'Disks, their health, and whether what matters could be had back.',
    from: 'now-7d',
    rows: [
      ...(backups ? backupRows() : []),
      OFFSITE,
      {
        title: 'File systems',
        panels: [
          timeseries(
            'In use',
            [
              query(
                `1 - node_filesystem_avail_bytes{${DISKS}} / node_filesystem_size_bytes`,
                '{{host}} {{mountpoint}}',
              ),
            ],
            {
              description: 'Share of each file system.',
              width: 12,
              unit: 'percentunit',
              min: 0,
              max: 1,
              steps: share,
            },
          ),
          timeseries('Free', [query(`node_filesystem_avail_bytes{${DISKS}}`, '{{host}} {{mountpoint}}')], {
            description: 'What is left.',
            width: 12,
            unit: 'bytes',
            min: 0,
          }),
        ],
      },
      {
        title: 'Disks',
        panels: [
          table(
            'Missing mounts',
            'citadel_mount_expected unless on (host, mountpoint) node_filesystem_size_bytes',
            {
              description: 'Mounts that should be there and are not.',
              width: 8,
              unit: 'none',
              noValue: 'None',
              columns: { host: 'Host', mountpoint: 'Mount point' },
            },
          ),
          timeseries('Temperature', [query('citadel_smart_temperature_celsius', '{{host}} {{device}}')], {
            description: 'As the disks say it themselves (SMART).',
            width: 8,
            unit: 'celsius',
            steps: levels(
              thresholds.smartTemperatureCelsius.warning,
              thresholds.smartTemperatureCelsius.critical,
            ),
          }),
          timeseries('Life used', [query('citadel_smart_percentage_used_ratio', '{{host}} {{device}}')], {
            description: 'Share of what the maker promises. At 100 % plan to replace it.',
            width: 8,
            unit: 'percentunit',
            min: 0,
            steps: [{ from: thresholds.smartUsedPercent / 100, color: 'yellow' }],
          }),
        ],
      },
    ],
  };
}

const OFFSITE: RowSpec = {
  title: 'Kept elsewhere',
  panels: [
    timeseries('Age', [query('time() - citadel_offsite_last_success_timestamp_seconds', '{{host}}')], {
      description: 'Of the newest off-site snapshot of each host that has a store.',
      width: 8,
      unit: 's',
      min: 0,
    }),
    timeseries('Size', [query('citadel_offsite_size_bytes', '{{host}}')], {
      description: 'Of each repository.',
      width: 8,
      unit: 'bytes',
      min: 0,
    }),
    timeseries(
      'Since the last good check',
      [query('time() - citadel_offsite_check_last_success_timestamp_seconds', '{{host}}')],
      { description: 'Since a repository was last found whole.', width: 8, unit: 's', min: 0 },
    ),
  ],
};

function backupRows(): RowSpec[] {
  return [
    {
      title: 'Could everything be had back?',
      height: 4,
      panels: [
        stat(
          'Never made',
          'count(citadel_backup_expected unless on (host, backup, model) citadel_backup_last_success_timestamp_seconds) or vector(0)',
          {
            description: 'Backups that should be made and never were.',
            width: 6,
            unit: 'none',
            steps: [{ from: 1, color: 'red' }],
          },
        ),
        stat('Failed runs', 'count(citadel_backup_last_run_success == 0) or vector(0)', {
          description: 'Kinds of backup whose last run failed.',
          width: 6,
          unit: 'none',
          steps: [{ from: 1, color: 'red' }],
        }),
        stat('Damaged archives', 'sum(citadel_backup_archive_damaged) or vector(0)', {
          description: 'Archives that cannot be read back.',
          width: 6,
          unit: 'none',
          steps: [{ from: 1, color: 'red' }],
        }),
        stat(
          'Last good check',
          'max((time() - citadel_backup_verify_last_success_timestamp_seconds) / on (host) group_left () citadel_backup_verify_max_age_seconds)',
          {
            description:
              'Since all archives last were read back and were whole, as a share of what it may be.',
            width: 6,
            unit: 'percentunit',
            decimals: 0,
            noValue: 'never',
            steps: levels(0.9, 1),
          },
        ),
      ],
    },
    {
      title: 'Backups',
      panels: [
        timeseries(
          'Age',
          [query('time() - citadel_backup_last_success_timestamp_seconds', '{{backup}} {{model}}')],
          { description: 'Of the newest good one of each.', width: 8, unit: 's', min: 0 },
        ),
        timeseries('Size', [query('citadel_backup_size_bytes', '{{backup}} {{model}}')], {
          description: 'Of the newest archive. A sudden change is a reason to look.',
          width: 8,
          unit: 'bytes',
          min: 0,
        }),
        timeseries('Duration', [query('citadel_backup_duration_seconds', '{{backup}} {{model}}')], {
          description: 'Of the last run.',
          width: 8,
          unit: 's',
          min: 0,
        }),
      ],
    },
  ];
}
