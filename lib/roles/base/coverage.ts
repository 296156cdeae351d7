import type { MonitoredServiceProps } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';

const JOURNAL = { journal: true } as const;
const board = (...names: readonly string[]) => names.map((name) => `/etc/grafana/dashboards/${name}.json`);

/** What watches a host's machine metrics. */
export function nodeExporter(host: string): MonitoredServiceProps {
  return {
    service: 'node-exporter',
    kind: 'exporter',
    scrape: { job: JOBS.node, labels: { host } },
    alerts: [
      'HostDown',
      'HostCpuHigh',
      'HostMemoryHigh',
      'DiskSpaceLow',
      'UnitFailed',
      'NodeCollectorFailing',
    ],
    dashboards: board('hosts', 'storage'),
    logs: JOURNAL,
  };
}
