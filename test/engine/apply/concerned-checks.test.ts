import { expect, it } from 'vitest';
import { concernedChecks } from '../../../lib/engine/apply/concerned-checks.js';
import { expandManifest, type HostManifest } from '../../../lib/manifest/index.js';
import { change, planOf } from './plans.js';

const at = { timeoutSec: 5, wave: 0 };
const CHECKS: NonNullable<HostManifest['checks']> = {
  command: { kind: 'command', command: ['/usr/bin/test', '-s', '/etc/a'], ...at },
  http: { kind: 'http', url: 'http://127.0.0.1:8080/health', status: 200, ...at },
  peer: { kind: 'tcp', host: '192.0.2.1', port: 9100, ...at },
  unit: { kind: 'unit', unit: 'b.service', ...at },
};
const FILE = { owner: 'root', group: 'root', mode: '0644' };

function concerned(
  changes: Parameters<typeof planOf>[1],
  more: Partial<HostManifest> = {},
  units: string[] = [],
) {
  const manifest = { checks: CHECKS, ...more };
  const plan = planOf(manifest, changes);
  const known = {
    ...plan,
    checks: CHECKS,
    observed: { ...plan.observed, applied: {} },
    unitActions: units.map((unit) => ({ unit, verb: 'restart' as const, wave: 0 })),
  };
  return [...concernedChecks(known, expandManifest(plan.manifest))].sort();
}

it('counts a check that fails already only where the change concerns it', () => {
  expect(concerned([change('files', '/etc/other')])).toEqual([]);
  expect(concerned([change('checks', 'peer')])).toEqual(['peer']);
  expect(concerned([change('files', '/etc/a')])).toEqual(['command']);
  expect(concerned([], {}, ['b.service'])).toEqual(['unit']);
  const web = {
    files: { '/etc/systemd/system/web.service': { content: 'ExecStart=/web --port 8080\n', ...FILE } },
  };
  expect(concerned([], web, ['web.service'])).toEqual(['http']);
  expect(
    concerned([], { files: { '/etc/systemd/system/web.service': { content: '18080 80801\n', ...FILE } } }, [
      'web.service',
    ]),
  ).toEqual([]);
});

it('takes what one construct declares together', () => {
  const origins = {
    'checks/peer': 'lab/monitor/health',
    'units/m.service': 'lab/monitor/unit',
    'units/n.service': 'lab/other/unit',
  };
  expect(concerned([], { origins }, ['m.service'])).toEqual(['peer']);
  expect(concerned([], { origins }, ['n.service'])).toEqual([]);
});

it('counts all of them on a host that nothing was applied to', () => {
  const plan = { ...planOf({ checks: CHECKS }, []), checks: CHECKS };
  expect(
    concernedChecks({ ...plan, observed: { ...plan.observed, applied: null } }, expandManifest(plan.manifest))
      .size,
  ).toBe(4);
});
