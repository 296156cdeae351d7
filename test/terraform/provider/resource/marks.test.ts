import { describe, expect, it } from 'vitest';
import type { ObservedHost } from '../../../../lib/engine/model.js';
import type { HostManifest } from '../../../../lib/manifest/index.js';
import {
  changedSince,
  decodeMarks,
  encodeMarks,
  marksOf,
} from '../../../../lib/terraform/provider/resource/marks.js';
import { hostPlan, observedHost } from '../../support/host-plan.js';

const own = { owner: 'root', group: 'root', mode: '0644' };
const manifest: HostManifest = {
  version: 1,
  host: 'web',
  packages: { curl: {} },
  files: { '/etc/a': { content: 'a', ...own } },
  blocks: { '/etc/fstab': { a: 'x\n' } },
  units: { 'a.service': { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 0 } },
  checks: { web: { kind: 'tcp', host: '::1', port: 80, timeoutSec: 5, wave: 1 } },
};
const file = { kind: 'file', ...own, uid: 0, gid: 0, size: 1, sha256: 'aa' } as const;
const unit = { load: 'loaded', active: 'active', fileState: 'enabled', needDaemonReload: false };
const marks = (observed: Partial<ObservedHost> = {}, desired = manifest) =>
  marksOf(hostPlan(desired, [], { observed: observedHost(observed) }));

describe('marks', () => {
  it('cover what can be observed, and the generation', () => {
    expect(Object.keys(marks()).sort()).toEqual([
      'blocks /etc/fstab',
      'files /etc/a',
      'generation',
      'packages curl',
      'units a.service',
    ]);
    expect(marks()['generation']).toBe('none');
  });

  it('cover what the last generation had', () => {
    expect(marks({ applied: { symlinks: { '/opt/x': {} } } })).toHaveProperty('symlinks /opt/x');
  });

  it.each<[string, Partial<ObservedHost>, Partial<ObservedHost>, string[]]>([
    ['nothing', {}, {}, []],
    ['a file', {}, { paths: new Map([['/etc/a', file]]) }, ['files /etc/a']],
    [
      'a mode',
      { paths: new Map([['/etc/a', file]]) },
      { paths: new Map([['/etc/a', { ...file, mode: '0600' }]]) },
      ['files /etc/a'],
    ],
    ['a package', {}, { packages: new Map([['curl', '1']]) }, ['packages curl']],
    ['a generation', { generation: 3 }, { generation: 4 }, ['generation (was 3, is 4)']],
    [
      'a unit that stopped',
      { units: new Map([['a.service', unit]]) },
      { units: new Map([['a.service', { ...unit, active: 'failed' }]]) },
      ['units a.service'],
    ],
    [
      'a unit that is just starting',
      { units: new Map([['a.service', unit]]) },
      { units: new Map([['a.service', { ...unit, active: 'activating', needDaemonReload: true }]]) },
      [],
    ],
    [
      'lines of others next to our block',
      { contents: new Map([['/etc/fstab', Buffer.from('# BEGIN citadel-iac a\nx\n# END citadel-iac a\n')]]) },
      {
        contents: new Map([
          ['/etc/fstab', Buffer.from('y\n# BEGIN citadel-iac a\nx\n# END citadel-iac a\n')],
        ]),
      },
      [],
    ],
    [
      'our block',
      { contents: new Map([['/etc/fstab', Buffer.from('# BEGIN citadel-iac a\nx\n# END citadel-iac a\n')]]) },
      { contents: new Map([['/etc/fstab', Buffer.from('# BEGIN citadel-iac a\nz\n# END citadel-iac a\n')]]) },
      ['blocks /etc/fstab'],
    ],
  ])('tell %s', (_name, before, now, expected) => {
    expect(changedSince(marks(before), marks(now))).toEqual(expected);
  });

  it('compare only what both looked at, whatever the documents say of it', () => {
    const other: HostManifest = {
      version: 1,
      host: 'web',
      files: { '/etc/a': { content: 'new', ...own, mode: '0600' }, '/etc/b': { content: 'b', ...own } },
      blocks: { '/etc/fstab': { a: 'x\n', b: 'y\n' } },
    };
    expect(changedSince(marks(), marks({}, other))).toEqual([]);
  });

  it('say nothing of contents to someone without the host’s key', () => {
    const paths = new Map([['/etc/a', file]]);
    const one = marks({ paths, secretKey: Buffer.from('1') })['files /etc/a'];
    const two = marks({ paths, secretKey: Buffer.from('2') })['files /etc/a'];
    expect(one).not.toBe(two);
  });

  it('travel as private data', () => {
    expect(decodeMarks(new Uint8Array())).toEqual({});
    expect(decodeMarks(Buffer.from('nonsense'))).toEqual({});
    expect(decodeMarks(Buffer.from('{"version":2,"marks":{"a":"b"}}'))).toEqual({});
    expect(decodeMarks(encodeMarks({ 'files /a': 'ff' }))).toEqual({ 'files /a': 'ff' });
  });
});
