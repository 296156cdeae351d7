import { expect, it } from 'vitest';
import { checkQuery } from '../../../lib/constructs/monitoring/promql/index.js';
import { modelAlerts } from '../../../lib/roles/ai/alerts/models.js';
import { watchAlerts } from '../../../lib/roles/monitoring/alerts/meta.js';
import { inventoryOf } from '../../stacks/example.js';

const { thresholds } = inventoryOf('citadel');
const hosts = (count: number) => Array.from({ length: count }, (_, index) => `node-${index}`);

function queriesOf(count: number) {
  const targets = hosts(count).map((host) => ({ job: 'node', host }));
  const models = hosts(count).map((host) => ({ host, name: 'm', port: 8000, probed: true }));
  const facts = { thresholds, jobs: ['node'], targets, tls: false };
  const groups = [watchAlerts(facts), modelAlerts({ thresholds, models })];
  return {
    alerts: groups.flatMap((group) => group?.alerts ?? []).map(({ expr }) => expr),
    records: groups.flatMap((group) => group?.records ?? []),
  };
}

it('expects each of 500 hosts, with queries as long as for one', () => {
  const { alerts, records } = queriesOf(500);
  expect(alerts).toEqual(queriesOf(1).alerts);
  const recorded = new Map(records.map(({ record }) => [record, undefined]));
  expect(alerts.flatMap((expr) => checkQuery(expr, 'expr', { recorded }).problems)).toEqual([]);
  for (const record of ['job:targets:expected', 'model:targets:expected']) {
    const named = records.filter((each) => each.record === record).map(({ labels }) => labels?.['host']);
    expect(named).toEqual(hosts(500));
  }
});
