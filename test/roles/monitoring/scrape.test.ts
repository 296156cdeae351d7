import { describe, expect, it } from 'vitest';
import { scrapeConfigs } from '../../../lib/roles/monitoring/index.js';

const A = { job: 'node', address: '192.168.10.35:9100', labels: { host: 'a', zone: 'x' } };
const B = { job: 'node', address: '192.168.10.36:9100', labels: { zone: 'y', host: 'b' } };
const C = { job: 'alertmanager', address: '192.168.10.36:9093', labels: { host: 'b' } };

describe('scrapeConfigs', () => {
  it('of nothing is nothing', () => {
    expect(scrapeConfigs([])).toEqual([]);
  });

  it('sorts jobs, targets and labels, whatever the order they come in', () => {
    const sorted = JSON.stringify(scrapeConfigs([A, B, C]));
    expect(JSON.stringify(scrapeConfigs([C, B, A]))).toBe(sorted);
    expect(JSON.parse(sorted)).toEqual([
      { job_name: 'alertmanager', static_configs: [{ targets: [C.address], labels: { host: 'b' } }] },
      {
        job_name: 'node',
        static_configs: [
          { targets: [A.address], labels: A.labels },
          { targets: [B.address], labels: B.labels },
        ],
      },
    ]);
  });
});
