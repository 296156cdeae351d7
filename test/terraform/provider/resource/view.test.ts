import { describe, expect, it } from 'vitest';
import type { Change, ObservedPath, ObservedUnit } from '../../../../lib/engine/model.js';
import type { HostManifest, ManifestCheck } from '../../../../lib/manifest/index.js';
import { plannedActions, plannedReplacements } from '../../../../lib/terraform/provider/resource/actions.js';
import { observedView } from '../../../../lib/terraform/provider/resource/observed-view.js';
import { describeCheck, desiredView } from '../../../../lib/terraform/provider/resource/view.js';
import { hostPlan, observedHost } from '../../support/host-plan.js';

const own = { owner: 'root', group: 'root', mode: '0644' };
const manifest: HostManifest = {
  version: 1,
  host: 'web',
  packages: { curl: {}, prometheus: { version: '2.42' } },
  groups: { ops: { gid: 900, system: false } },
  users: {
    ada: {
      home: '/home/ada',
      shell: '/bin/sh',
      groups: ['ops', 'adm'],
      system: false,
      authorizedKeys: ['k'],
    },
  },
  directories: { '/srv/a': { ...own, mode: '0755' } },
  files: {
    '/etc/a': { content: 'one\ntwo\n', ...own },
    '/etc/key': { secret: 'tls_key', ...own },
    '/etc/b': { content: 'p=@@secret:db@@', ...own },
  },
  blocks: { '/etc/hosts': { names: '10.0.0.1 a\n' } },
  symlinks: { '/opt/x': { target: 'y' } },
  mounts: { '/mnt/d': { source: '/dev/sda1', type: 'ext4', options: ['noatime'], state: 'mounted' } },
  units: {
    'a.service': { enabled: true, state: 'running', restartOn: ['/etc/a'], reloadOn: [], wave: 0 },
    'b.timer': { enabled: null, state: 'any', restartOn: [], reloadOn: [], wave: 0 },
  },
  checks: { web: { kind: 'tcp', host: '::1', port: 80, timeoutSec: 5, wave: 1 } },
};

const change = (section: Change['section'], key: string, more: Partial<Change> = {}): Change => ({
  section,
  key,
  action: 'update',
  cause: 'drift',
  ...more,
});
const path = (more: Partial<ObservedPath> = {}): ObservedPath => ({
  kind: 'file',
  owner: 'root',
  group: 'root',
  uid: 0,
  gid: 0,
  mode: '0644',
  size: 1,
  ...more,
});
const unit = (more: Partial<ObservedUnit> = {}): ObservedUnit => ({
  load: 'loaded',
  active: 'active',
  fileState: 'enabled',
  needDaemonReload: false,
  ...more,
});

it('desiredView shows of bytes that are no text how many they are, and which', () => {
  const files = { '/srv/key': { bytes: 'mQINBADDqf8=', ...own } };
  expect(desiredView({ version: 1, host: 'web', files }).files['/srv/key']).toMatchObject({
    lines: [expect.stringMatching(/^<8 bytes, sha256 [0-9a-f]{12}>$/)],
  });
});

describe('desiredView', () => {
  it('is empty for an empty manifest', () => {
    const empty = desiredView({ version: 1, host: 'web' });
    expect(Object.values(empty).every((section) => Object.keys(section).length === 0)).toBe(true);
  });

  it('shows every section in the terms of the schema', () => {
    expect(desiredView(manifest)).toEqual({
      packages: { curl: { version: null }, prometheus: { version: '2.42' } },
      groups: { ops: { gid: 900 } },
      users: {
        ada: { uid: null, group: 'ada', home: '/home/ada', shell: '/bin/sh', groups: ['adm', 'ops'] },
      },
      directories: {
        '/srv/a': { owner: 'root', group: 'root', mode: '0755', found: null },
        '/home/ada/.ssh': { owner: 'ada', group: 'ada', mode: '0700', found: null },
      },
      files: {
        '/etc/a': { lines: ['one', 'two'], no_newline_at_end: null, ...own, found: null },
        '/etc/key': { lines: ['<secret tls_key>'], no_newline_at_end: null, ...own, found: null },
        '/etc/b': { lines: ['p=<secret db>'], no_newline_at_end: true, ...own, found: null },
        '/home/ada/.ssh/authorized_keys': {
          lines: ['k'],
          no_newline_at_end: null,
          owner: 'ada',
          group: 'ada',
          mode: '0600',
          found: null,
        },
      },
      blocks: { '/etc/hosts': { names: ['10.0.0.1 a'] } },
      symlinks: { '/opt/x': { target: 'y', found: null } },
      mounts: { '/mnt/d': { source: '/dev/sda1', type: 'ext4', options: ['noatime'], state: 'mounted' } },
      units: {
        'a.service': { enabled: 'enabled', active: 'active' },
        'b.timer': { enabled: null, active: null },
      },
      checks: { web: '::1 port 80 accepts connections within 5 s, wave 1' },
    });
  });
});

describe('observedView', () => {
  it('is the desired one where nothing differs', () => {
    expect(observedView(hostPlan(manifest))).toEqual(desiredView(manifest));
  });

  it.each<[string, Change, Parameters<typeof observedHost>[0], string, unknown]>([
    ['absent package', change('packages', 'curl', { action: 'create' }), {}, 'packages/curl', undefined],
    [
      'other version',
      change('packages', 'prometheus'),
      { packages: new Map([['prometheus', '2.40']]) },
      'packages/prometheus',
      { version: '2.40' },
    ],
    [
      'other group number',
      change('groups', 'ops'),
      { groups: new Map([['ops', 901]]) },
      'groups/ops',
      { gid: 901 },
    ],
    [
      'user with another shell and foreign groups',
      change('users', 'ada'),
      {
        users: new Map([
          [
            'ada',
            {
              uid: 1000,
              gid: 1000,
              group: 'ada',
              home: '/home/ada',
              shell: '/bin/bash',
              groups: ['adm', 'games'],
            },
          ],
        ]),
      },
      'users/ada',
      { uid: null, group: 'ada', home: '/home/ada', shell: '/bin/bash', groups: ['adm'] },
    ],
    [
      'edited file',
      change('files', '/etc/a', { diff: '--- /etc/a\n+++ /etc/a\n@@ -1,2 +1,2 @@\n one\n-zwei\n+two\n' }),
      { paths: new Map([['/etc/a', path({ mode: '0666' })]]) },
      'files//etc/a',
      { lines: ['one', 'zwei'], no_newline_at_end: null, ...own, mode: '0666', found: null },
    ],
    [
      'file with another mode only',
      change('files', '/etc/a'),
      { paths: new Map([['/etc/a', path({ mode: '0600' })]]) },
      'files//etc/a',
      { lines: ['one', 'two'], no_newline_at_end: null, ...own, mode: '0600', found: null },
    ],
    [
      'file turned into a directory',
      change('files', '/etc/a'),
      { paths: new Map([['/etc/a', path({ kind: 'directory', mode: '0755' })]]) },
      'files//etc/a',
      { lines: null, no_newline_at_end: null, ...own, mode: '0755', found: 'directory' },
    ],
    ['deleted file', change('files', '/etc/a', { action: 'create' }), {}, 'files//etc/a', undefined],
    [
      'retargeted link',
      change('symlinks', '/opt/x'),
      { paths: new Map([['/opt/x', path({ kind: 'symlink', target: 'z' })]]) },
      'symlinks//opt/x',
      { target: 'z', found: null },
    ],
    [
      'directory that became a link',
      change('directories', '/srv/a'),
      { paths: new Map([['/srv/a', path({ kind: 'symlink', target: '/tmp', mode: '0777' })]]) },
      'directories//srv/a',
      { owner: 'root', group: 'root', mode: '0777', found: 'symlink to /tmp' },
    ],
    ['missing mount', change('mounts', '/mnt/d', { action: 'create' }), {}, 'mounts//mnt/d', undefined],
    [
      'stopped unit',
      change('units', 'a.service'),
      { units: new Map([['a.service', unit({ active: 'failed' })]]) },
      'units/a.service',
      { enabled: 'enabled', active: 'failed' },
    ],
    [
      'masked unit',
      change('units', 'a.service'),
      { units: new Map([['a.service', unit({ load: 'masked', active: 'inactive', fileState: 'masked' })]]) },
      'units/a.service',
      { enabled: 'masked', active: 'inactive' },
    ],
    [
      'disabled unit of an offline root',
      change('units', 'a.service'),
      {
        units: null,
        offline: { privileged: true, accounts: true, unitFiles: new Map([['a.service', 'disabled']]) },
      },
      'units/a.service',
      { enabled: 'disabled', active: 'active' },
    ],
  ])('shows a %s', (_name, it, observed, where, expected) => {
    const contents = new Map(it.diff === undefined ? [] : [[it.key, Buffer.from('x')]]);
    const view = observedView(hostPlan(manifest, [it], { observed: observedHost(observed), contents }));
    const [section, ...key] = where.split('/');
    expect(view[section as 'files'][key.join('/')]).toEqual(expected);
  });

  it('shows the blocks of a file one by one', () => {
    const written = '# theirs\n# BEGIN citadel-iac names\n10.0.0.1 a\n# END citadel-iac names\n';
    const diff =
      '--- /etc/hosts\n+++ /etc/hosts\n@@ -2,3 +2,3 @@\n # BEGIN citadel-iac names\n-10.0.0.9 a\n+10.0.0.1 a\n # END citadel-iac names\n';
    const plan = hostPlan(manifest, [change('blocks', '/etc/hosts', { diff })], {
      contents: new Map([['/etc/hosts', Buffer.from(written)]]),
    });
    expect(observedView(plan).blocks).toEqual({ '/etc/hosts': { names: ['10.0.0.9 a'] } });
  });

  it('shows what the last generation had and the document has not', () => {
    const diff = '--- /etc/old\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n';
    const plan = hostPlan(manifest, [change('files', '/etc/old', { action: 'delete', diff })], {
      observed: observedHost({ paths: new Map([['/etc/old', path()]]) }),
    });
    expect(observedView(plan).files['/etc/old']).toMatchObject({ lines: ['a', 'b'], mode: '0644' });
  });

  it('says why it does not show a text', () => {
    const plan = hostPlan(manifest, [change('files', '/etc/a', { note: 'not text: 3 bytes' })], {
      observed: observedHost({ paths: new Map([['/etc/a', path()]]) }),
      contents: new Map([['/etc/a', Buffer.from('one\ntwo\n')]]),
    });
    expect(observedView(plan).files['/etc/a']).toMatchObject({ lines: ['<not text: 3 bytes>'] });
  });
});

describe('plannedActions', () => {
  it('is nothing for a plan that does nothing', () => {
    expect(plannedActions(hostPlan(manifest))).toEqual([]);
  });

  it('gives each unit action its reasons, after what is owed', () => {
    const restarts = ['a.service'];
    const plan = hostPlan(manifest, [change('files', '/etc/a', { restarts }), change('files', '/etc/b')], {
      observed: observedHost({ debts: ['reload c.service'] }),
      unitActions: [
        { unit: 'a.service', verb: 'restart', wave: 0 },
        { unit: 'd.service', verb: 'stop', wave: 0 },
      ],
      risky: true,
    });
    expect(plannedActions(plan)).toEqual([
      'reload c.service (owed by an earlier run)',
      'restart a.service (files /etc/a)',
      'stop d.service',
      'undo everything by itself unless this machine still gets through afterwards',
    ]);
  });

  it('says that only a record is made', () => {
    expect(plannedActions(hostPlan(manifest, [], { record: true }))).toEqual([
      'record a generation; nothing on the host differs',
    ]);
  });
});

describe('plannedReplacements', () => {
  const diff = '--- a\n+++ a\n@@ -1 +1 @@\n-x\n+one\n';
  const text = change('files', '/etc/a', { diff, before: { mode: '0600' }, after: { mode: '0644' } });
  const other = change('directories', '/srv/a', { before: { mode: '0700' }, after: { mode: '0755' } });

  it('shows what is on the host and not in the state', () => {
    expect(plannedReplacements(hostPlan(manifest, [text, other]), undefined)).toEqual({
      '/etc/a': ['mode: 0600 -> 0644', '--- a', '+++ a', '@@ -1 +1 @@', '-x', '+one'],
      'directories /srv/a': ['mode: 0700 -> 0755'],
    });
  });

  it('leaves out what the state knows, and what is not on the host', () => {
    const prior = desiredView(manifest);
    expect(plannedReplacements(hostPlan(manifest, [text, other]), prior)).toEqual({});
    const created = hostPlan(manifest, [{ ...text, action: 'create' }]);
    expect(plannedReplacements(created, undefined)).toEqual({});
  });
});

describe('describeCheck', () => {
  const base = { timeoutSec: 30, wave: 0 };
  it.each<[ManifestCheck, string]>([
    [{ kind: 'unit', unit: 'a.service', ...base }, 'a.service is active within 30 s, wave 0'],
    [{ kind: 'http', url: 'http://a/', status: 200, ...base }, 'http://a/ answers 200 within 30 s, wave 0'],
    [{ kind: 'command', command: ['/bin/x', '-y'], ...base }, '/bin/x -y succeeds within 30 s, wave 0'],
  ])('%j', (check, text) => {
    expect(describeCheck(check)).toBe(text);
  });
});

describe('a very long line', () => {
  const host = (content: string): HostManifest => ({
    version: 1,
    host: 'web',
    files: { '/etc/a': { content, ...own } },
    blocks: { '/etc/hosts': { names: content } },
  });
  const linesOf = (content: string) =>
    (desiredView(host(content)).files['/etc/a'] as { lines: string[] }).lines;

  it('is shown by its beginning, its length and a digest', () => {
    const [line = ''] = linesOf(`${'x'.repeat(1024 * 1024)}\n`);
    expect(line).toMatch(/^x{200}<… 1048376 more characters, sha256 of the line [0-9a-f]{12}>$/);
    expect(desiredView(host(`${'x'.repeat(5000)}\n`)).blocks['/etc/hosts']).toEqual({
      names: linesOf(`${'x'.repeat(5000)}\n`),
    });
  });

  it('differs from another one with the same beginning', () => {
    expect(linesOf(`${'x'.repeat(5000)}y\n`)).not.toEqual(linesOf(`${'x'.repeat(5001)}\n`));
  });

  it('is whole up to 4096 characters', () => {
    expect(linesOf(`${'x'.repeat(4096)}\n`)).toEqual(['x'.repeat(4096)]);
  });
});
