import {
  levels,
  query,
  table,
  timeline,
  timeseries,
  UID,
  UP_OR_DOWN,
  type DashboardFacts,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../../constructs/monitoring/dashboards/spec.js';

const H = 'host=~"$host"';

export function hostsDashboard({ hosts, thresholds }: DashboardFacts): DashboardSpec {
  const share = (pair: { warning: number; critical: number }) =>
    levels(pair.warning / 100, pair.critical / 100);
  return {
    uid: UID.hosts,
    title: 'Citadel hosts',
    description: 'Processors, memory, network, units and configuration of every host.',
    variables: [{ name: 'host', label: 'Host', values: hosts, multi: true }],
    rows: [
      {
        title: 'Work',
        panels: [
          timeseries(
            'Processors',
            [
              query(
                `1 - avg by (host) (rate(node_cpu_seconds_total{mode="idle",${H}}[$__rate_interval]))`,
                '{{host}}',
              ),
            ],
            {
              description: 'Share in use.',
              width: 8,
              unit: 'percentunit',
              min: 0,
              max: 1,
              steps: share(thresholds.cpuPercent),
            },
          ),
          timeseries(
            'Memory',
            [query(`1 - node_memory_MemAvailable_bytes{${H}} / node_memory_MemTotal_bytes`, '{{host}}')],
            {
              description: 'Share in use that cannot be given back.',
              width: 8,
              unit: 'percentunit',
              min: 0,
              max: 1,
              steps: share(thresholds.memoryPercent),
            },
          ),
          timeseries('Load', [query(`node_load1{${H}}`, '{{host}}')], {
            description: 'Processes that run or wait for a disk, over one minute.',
            width: 8,
            unit: 'none',
            min: 0,
          }),
        ],
      },
      {
        title: 'Network and disks',
        panels: [
          timeseries(
            'Received',
            [
              query(
                `sum by (host) (rate(node_network_receive_bytes_total{device!="lo",${H}}[$__rate_interval]))`,
                '{{host}}',
              ),
            ],
            { description: 'From all networks but the host’s own.', width: 6, unit: 'Bps', min: 0 },
          ),
          timeseries(
            'Sent',
            [
              query(
                `sum by (host) (rate(node_network_transmit_bytes_total{device!="lo",${H}}[$__rate_interval]))`,
                '{{host}}',
              ),
            ],
            { description: 'To all networks but the host’s own.', width: 6, unit: 'Bps', min: 0 },
          ),
          timeseries(
            'Read from disks',
            [
              query(
                `sum by (host, device) (rate(node_disk_read_bytes_total{${H}}[$__rate_interval]))`,
                '{{host}} {{device}}',
              ),
            ],
            { description: 'By device.', width: 6, unit: 'Bps', min: 0 },
          ),
          timeseries(
            'Written to disks',
            [
              query(
                `sum by (host, device) (rate(node_disk_written_bytes_total{${H}}[$__rate_interval]))`,
                '{{host}} {{device}}',
              ),
            ],
            { description: 'By device.', width: 6, unit: 'Bps', min: 0 },
          ),
        ],
      },
      {
        title: 'Units',
        panels: [
          table('Failed units', `node_systemd_unit_state{state="failed",${H}} == 1`, {
            description: 'journalctl -u UNIT on the host says why.',
            width: 12,
            unit: 'none',
            noValue: 'None',
            columns: { host: 'Host', name: 'Unit' },
          }),
          timeline('Hosts', [query(`up{job="node",${H}}`, '{{host}}')], {
            description: 'Whether the exporter of the machine answered.',
            width: 12,
            unit: 'none',
            words: UP_OR_DOWN,
          }),
        ],
      },
      {
        title: 'Configuration',
        panels: [
          timeseries('Edited by hand', [query(`citadel_config_drift_items{${H}}`, '{{host}}')], {
            description:
              'Managed items that differ from what was deployed. "citadel-iac diff" shows the lines.',
            width: 8,
            unit: 'none',
            min: 0,
            steps: [{ from: 1, color: 'yellow' }],
          }),
          timeseries('Generation', [query(`citadel_config_generation{${H}}`, '{{host}}')], {
            description: 'A step is a deployment or a rollback: compare with what else changed then.',
            width: 8,
            unit: 'none',
          }),
          timeseries(
            'Age of the comparison',
            [query(`time() - citadel_config_drift_last_check_timestamp_seconds{${H}}`, '{{host}}')],
            {
              description: 'When the host last compared itself with its generation.',
              width: 8,
              unit: 's',
              min: 0,
            },
          ),
        ],
      },
    ],
  };
}
