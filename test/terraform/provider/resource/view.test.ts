import { describe, expect, it } from 'vitest';
import type { Change, ObservedPath, ObservedUnit } from '../../../../lib/engine/model.js';
import { sha256, type HostManifest, type ManifestCheck } from '../../../../lib/manifest/index.js';
import { plannedActions, plannedChanges } from '../../../../lib/terraform/provider/resource/actions.js';
import { emptyingSummary } from '../../../../lib/terraform/provider/resource/emptying.js';
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

const sum = (text: string): string => sha256(text).slice(0, 12);

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
  expect(desiredView({ version: 1, host: 'web', files }).files['/srv/key']).toMatch(
    /^0644 root:root 8 bytes [0-9a-f]{12}$/,
  );
});

describe('desiredView', () => {
  it('is empty for an empty manifest', () => {
    const empty = desiredView({ version: 1, host: 'web' });
    expect(Object.values(empty).every((section) => Object.keys(section).length === 0)).toBe(true);
  });

  it('shows every section in the terms of the schema', () => {
    const view = desiredView(manifest);
    expect(view).toEqual({
      packages: { curl: 'installed', prometheus: '2.42' },
      groups: { ops: 'gid 900' },
      users: { ada: 'group ada, /home/ada, /bin/sh, in adm ops' },
      directories: { '/srv/a': '0755 root:root', '/home/ada/.ssh': '0700 ada:ada' },
      files: {
        '/etc/a': `0644 root:root 2 lines ${sum('one\ntwo\n')}`,
        '/etc/key': `0644 root:root 1 line ${sum('<secret tls_key>\n')}`,
        '/etc/b': `0644 root:root 1 line, the last one open, ${sum('p=<secret db>')}`,
        '/home/ada/.ssh/authorized_keys': `0600 ada:ada 1 line ${sum('k\n')}`,
      },
      blocks: { '/etc/hosts': `names 1 line ${sum('10.0.0.1 a\n')}` },
      symlinks: { '/opt/x': 'y' },
      mounts: { '/mnt/d': '/dev/sda1 ext4 noatime mounted' },
      units: { 'a.service': 'enabled, active', 'b.timer': 'as it is' },
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
      '2.40',
    ],
    [
      'other group number',
      change('groups', 'ops'),
      { groups: new Map([['ops', 901]]) },
      'groups/ops',
      'gid 901',
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
      'group ada, /home/ada, /bin/bash, in adm',
    ],
    [
      'edited file',
      change('files', '/etc/a', { diff: '--- /etc/a\n+++ /etc/a\n@@ -1,2 +1,2 @@\n one\n-zwei\n+two\n' }),
      { paths: new Map([['/etc/a', path({ mode: '0666' })]]) },
      'files//etc/a',
      `0666 root:root 2 lines ${sum('one\nzwei\n')}`,
    ],
    [
      'file with another mode only',
      change('files', '/etc/a'),
      { paths: new Map([['/etc/a', path({ mode: '0600' })]]) },
      'files//etc/a',
      `0600 root:root 2 lines ${sum('one\ntwo\n')}`,
    ],
    [
      'file turned into a directory',
      change('files', '/etc/a'),
      { paths: new Map([['/etc/a', path({ kind: 'directory', mode: '0755' })]]) },
      'files//etc/a',
      'directory 0755 root:root',
    ],
    ['deleted file', change('files', '/etc/a', { action: 'create' }), {}, 'files//etc/a', undefined],
    [
      'retargeted link',
      change('symlinks', '/opt/x'),
      { paths: new Map([['/opt/x', path({ kind: 'symlink', target: 'z' })]]) },
      'symlinks//opt/x',
      'z',
    ],
    [
      'directory that became a link',
      change('directories', '/srv/a'),
      { paths: new Map([['/srv/a', path({ kind: 'symlink', target: '/tmp', mode: '0777' })]]) },
      'directories//srv/a',
      'symlink to /tmp 0777 root:root',
    ],
    ['missing mount', change('mounts', '/mnt/d', { action: 'create' }), {}, 'mounts//mnt/d', undefined],
    [
      'stopped unit',
      change('units', 'a.service'),
      { units: new Map([['a.service', unit({ active: 'failed' })]]) },
      'units/a.service',
      'enabled, failed',
    ],
    [
      'masked unit',
      change('units', 'a.service'),
      { units: new Map([['a.service', unit({ load: 'masked', active: 'inactive', fileState: 'masked' })]]) },
      'units/a.service',
      'masked, inactive',
    ],
    [
      'disabled unit of an offline root',
      change('units', 'a.service'),
      {
        units: null,
        offline: { privileged: true, accounts: true, unitFiles: new Map([['a.service', 'disabled']]) },
      },
      'units/a.service',
      'disabled, active',
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
    expect(observedView(plan).blocks).toEqual({
      '/etc/hosts': `names 1 line ${sum('10.0.0.9 a\n')}`,
    });
  });

  it('shows what the last generation had and the document has not', () => {
    const diff = '--- /etc/old\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n';
    const plan = hostPlan(manifest, [change('files', '/etc/old', { action: 'delete', diff })], {
      observed: observedHost({ paths: new Map([['/etc/old', path()]]) }),
    });
    expect(observedView(plan).files['/etc/old']).toBe(`0644 root:root 2 lines ${sum('a\nb\n')}`);
  });

  it('says why it does not show a text', () => {
    const plan = hostPlan(manifest, [change('files', '/etc/a', { note: 'not text: 3 bytes' })], {
      observed: observedHost({ paths: new Map([['/etc/a', path()]]) }),
      contents: new Map([['/etc/a', Buffer.from('one\ntwo\n')]]),
    });
    expect(observedView(plan).files['/etc/a']).toBe('0644 root:root <not text: 3 bytes>');
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

describe('plannedChanges', () => {
  const diff = '--- a\n+++ a\n@@ -1,2 +1,2 @@\n p=<secret db #0a1b2c>\n-x=<secret db #ffffff>\n+one\n';
  const text = change('files', '/etc/a', { diff, before: { mode: '0600' }, after: { mode: '0644' } });
  const other = change('directories', '/srv/a', { before: { mode: '0700' }, after: { mode: '0755' } });
  const lines = ['@@ -1,2 +1,2 @@', ' p=<secret db>', '-x=<secret db #ffffff>', '+one'];

  it('shows the lines that differ, and the attributes of what the state does not know', () => {
    expect(plannedChanges(hostPlan(manifest, [text, other]), undefined)).toEqual({
      '/etc/a': ['mode: 0600 -> 0644', ...lines],
      'directories /srv/a': ['mode: 0700 -> 0755'],
    });
    expect(plannedChanges(hostPlan(manifest, [text, other]), desiredView(manifest))).toEqual({
      '/etc/a': lines,
    });
  });

  it('says why there are no lines, and shows no more than the beginning of a very long one', () => {
    const binary = change('files', '/etc/a', { note: 'not text: 3 bytes' });
    const long = change('files', '/etc/b', { diff: `--- b\n+++ b\n@@ -0,0 +1 @@\n+${'x'.repeat(5000)}\n` });
    expect(plannedChanges(hostPlan(manifest, [binary, long]), desiredView(manifest))).toEqual({
      '/etc/a': ['<not text: 3 bytes>'],
      '/etc/b': [
        '@@ -0,0 +1 @@',
        expect.stringMatching(/^\+x{199}<… 4801 more characters, sha256 of the line \w{12}>$/),
      ],
    });
  });

  it('leaves out what is made and what goes, but for blocks in files of others', () => {
    const made = [
      { ...text, action: 'create' as const },
      { ...text, action: 'delete' as const },
    ];
    expect(plannedChanges(hostPlan(manifest, made), undefined)).toEqual({});
    const block = change('blocks', '/etc/hosts', {
      action: 'create',
      diff: '--- a\n+++ a\n@@ -0,0 +1 @@\n+x\n',
    });
    expect(plannedChanges(hostPlan(manifest, [block]), undefined)).toEqual({
      'blocks /etc/hosts': ['@@ -0,0 +1 @@', '+x'],
    });
  });
});

describe('emptyingSummary', () => {
  it('says what stops, that the firewall goes off and what is removed; and nothing of another plan', () => {
    const gone = (section: Change['section'], key: string) => change(section, key, { action: 'delete' });
    const changes = [gone('packages', 'curl'), gone('files', '/a'), gone('files', '/b'), gone('units', 'x')];
    const unitActions = [
      { unit: 'a.service', verb: 'stop', wave: 0 },
      { unit: 'nftables.service', verb: 'stop', wave: 0 },
    ] as const;
    const empty: HostManifest = { version: 1, host: 'web' };
    expect(emptyingSummary(hostPlan(empty, changes, { unitActions }))).toBe(
      [
        '- 2 units stopped: a.service, nftables.service',
        '- the firewall goes off: nothing of ours limits who reaches the host any more',
        '- 1 package removed: curl',
        '- 2 files removed',
      ].join('\n'),
    );
    expect(emptyingSummary(hostPlan(empty))).toBeUndefined();
    expect(emptyingSummary(hostPlan(manifest, changes, { unitActions }))).toBeUndefined();
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
