import { describe, expect, it } from 'vitest';
import { scrapeConfigs, targetGroups } from '../../../lib/roles/monitoring/index.js';

const A = { job: 'node', address: '192.168.10.35:9100', labels: { host: 'a', zone: 'x' } };
const B = { job: 'node', address: '192.168.10.36:9100', labels: { zone: 'y', host: 'b' } };
const C = { job: 'alertmanager' };

describe('scrapeConfigs', () => {
  it('of nothing is nothing', () => {
    expect(scrapeConfigs([])).toEqual([]);
  });

  it('sorts jobs, targets and labels, whatever the order they come in', () => {
    const sorted = JSON.stringify(targetGroups([A, B]));
    expect(JSON.stringify(targetGroups([B, A]))).toBe(sorted);
    expect(sorted).toBe(
      JSON.stringify([
        { targets: [A.address], labels: { host: 'a', zone: 'x' } },
        { targets: [B.address], labels: { host: 'b', zone: 'y' } },
      ]),
    );
    expect(scrapeConfigs([A.job, C.job, B.job])).toEqual([
      {
        job_name: 'alertmanager',
        file_sd_configs: [{ files: ['/etc/prometheus/targets/alertmanager.yml'] }],
      },
      { job_name: 'node', file_sd_configs: [{ files: ['/etc/prometheus/targets/node.yml'] }] },
    ]);
  });
});
