import { describe, expect, it } from 'vitest';
import { appliedIndex } from '../../../lib/engine/plan/applied-index.js';
import type { AppliedIndex } from '../../../lib/engine/model.js';
import { planCase, type Case } from '../support/plan-case.js';

type Seen = NonNullable<Case['observed']>;

const ROOT = { owner: 'root', group: 'root' };
const ann = {
  uid: 1000,
  gid: 1000,
  group: 'ann',
  home: '/home/ann',
  shell: '/bin/sh',
  groups: ['adm', 'crew'],
};
const loaded = { load: 'loaded', active: 'active', fileState: 'enabled', needDaemonReload: false };
const mounted = { source: '/dev/sda1', type: 'ext4', options: ['rw'] };
const all: Case['desired'] = {
  packages: { jq: { version: '1.6' }, nano: { state: 'absent' } },
  groups: { crew: { gid: 70, system: false }, team: { system: false } },
  users: {
    ann: { uid: 1000, home: '/home/ann', shell: '/bin/sh', groups: ['crew', 'adm', 'crew'], system: false },
    bob: { group: 'crew', home: '/home/bob', shell: '/bin/sh', groups: [], system: true },
  },
  directories: { '/srv/d': { ...ROOT, mode: '0750' } },
  files: {
    '/etc/a': { ...ROOT, mode: '0644', content: 'a\n@@secret:key@@\n' },
    '/etc/k': { ...ROOT, mode: '0600', secret: 'key' },
  },
  symlinks: { '/etc/l': { target: 'a' } },
  blocks: { '/etc/x': { a: 'one' } },
  mounts: { '/m': { source: '/dev/sda1', type: 'ext4', options: ['ro'], state: 'mounted' } },
  units: { 'a.service': { enabled: true, state: 'running', restartOn: [], reloadOn: [], wave: 2 } },
  checks: { up: { kind: 'tcp', host: '127.0.0.1', port: 80, timeoutSec: 5, wave: 0 } },
};
const there: Seen = {
  packages: { jq: '1.5' },
  groups: { crew: 70, team: 71, adm: 4 },
  users: { ann: { ...ann, groups: ['adm'], shell: '/bin/zsh' } },
  paths: {
    '/srv/d': { kind: 'directory' },
    '/etc/a': { content: 'old\n' },
    '/etc/l': { kind: 'symlink', target: 'old' },
  },
  mounts: { '/m': mounted },
  units: { 'a.service': { ...loaded, active: 'inactive', fileState: 'disabled' } },
};

async function indexOf(test: Case): Promise<AppliedIndex> {
  return appliedIndex((await planCase({ secrets: { key: 'k' }, ...test })).plan);
}

describe('the index of a generation', () => {
  const sha = (text: string): unknown => expect.stringMatching(new RegExp(`^${text}`)) as unknown;
  const facts = {
    packages: { jq: { version: '1.6' }, nano: { state: 'absent' } },
    groups: { crew: { gid: 70 }, team: {} },
    users: {
      ann: { uid: 1000, group: 'ann', home: '/home/ann', shell: '/bin/sh', groups: ['adm', 'crew'] },
      bob: { group: 'crew', home: '/home/bob', shell: '/bin/sh', groups: [] },
    },
    directories: { '/srv/d': { type: 'directory', ...ROOT, mode: '0750' } },
    files: {
      '/etc/a': {
        type: 'file',
        ...ROOT,
        mode: '0644',
        sha256: sha('[0-9a-f]{64}'),
        secrets: ['@@secret:key@@'],
        adopted: false,
      },
      '/etc/k': {
        type: 'file',
        ...ROOT,
        mode: '0600',
        sha256: sha('8254c329'),
        secret: 'key',
        adopted: false,
      },
    },
    symlinks: { '/etc/l': { type: 'symlink', target: 'a', adopted: false } },
    blocks: { '/etc/x': { a: sha('[0-9a-f]{64}') } },
    mounts: all.mounts,
    units: { 'a.service': { enabled: true, state: 'running' } },
    checks: all.checks,
  };

  it('holds what can be compared of each item', async () => {
    expect(await indexOf({ desired: all, observed: {} })).toEqual(facts);
  });

  it('says of each item whether it was there, and what it was like', async () => {
    expect(await indexOf({ desired: all, observed: there })).toEqual({
      ...facts,
      packages: { jq: { version: '1.6', adopted: true }, nano: { state: 'absent' } },
      groups: { crew: { gid: 70, adopted: true }, team: { adopted: true } },
      users: {
        ann: {
          ...facts.users.ann,
          adopted: true,
          had: ['adm'],
          was: { group: 'ann', home: '/home/ann', shell: '/bin/zsh' },
        },
        bob: facts.users.bob,
      },
      directories: { '/srv/d': { ...facts.directories['/srv/d'], adopted: true } },
      files: { ...facts.files, '/etc/a': { ...facts.files['/etc/a'], adopted: true } },
      symlinks: { '/etc/l': { type: 'symlink', target: 'a', adopted: true } },
      mounts: { '/m': { ...all.mounts?.['/m'], adopted: true } },
      units: { 'a.service': { enabled: true, state: 'running', was: 'disabled' } },
    });
  });

  it.each([
    [
      { ...loaded, fileState: 'disabled' },
      { was: 'disabled', adopted: true },
    ],
    [
      { ...loaded, active: 'inactive' },
      { was: 'enabled', adopted: true },
    ],
    [{ ...loaded, active: 'failed', fileState: 'static' }, {}],
  ])('takes a unit that ran or was enabled for one of before (%#)', async (seen, marks) => {
    const { units } = await indexOf({ desired: all, observed: { ...there, units: { 'a.service': seen } } });
    expect(units?.['a.service']).toEqual({ enabled: true, state: 'running', ...marks });
  });

  it('keeps the marks of the generation before, whatever stands there now', async () => {
    const first = await indexOf({ desired: all, observed: there });
    expect(await indexOf({ desired: all, applied: first, observed: {} })).toEqual(first);
    const bare = await indexOf({ desired: all, observed: {} });
    expect(await indexOf({ desired: all, applied: bare, observed: there })).toEqual(bare);
  });

  it('does not take a directory in a file’s place for one of before', async () => {
    const { directories } = await indexOf({
      desired: { directories: { '/etc/a': { ...ROOT, mode: '0755' } } },
      applied: { files: { '/etc/a': { type: 'file', ...ROOT, mode: '0644', sha256: '', adopted: true } } },
      observed: { paths: { '/etc/a': { kind: 'directory' } } },
    });
    expect(directories).toEqual({ '/etc/a': { type: 'directory', ...ROOT, mode: '0755' } });
  });
});

describe('what leaves the document', () => {
  const had = {
    packages: { jq: { version: '1.6' } },
    groups: { crew: { gid: 70 } },
    users: { ann: { group: 'ann', home: '/home/ann', shell: '/bin/sh', groups: ['crew'] } },
    directories: { '/srv/d': { type: 'directory', ...ROOT, mode: '0755' } },
    files: { '/etc/a': { type: 'file', ...ROOT, mode: '0644', sha256: 'x', adopted: false } },
    symlinks: { '/etc/l': { type: 'symlink', target: 'a', adopted: false } },
    mounts: { '/m': { source: '/dev/sda1', type: 'ext4', options: ['defaults'], state: 'mounted' } },
    units: { 'a.service': { enabled: true, state: 'running' } },
    checks: { up: { kind: 'tcp' } },
  } satisfies AppliedIndex;
  const asLeft: Seen = {
    packages: { jq: '1.6' },
    groups: { crew: 70 },
    users: { ann },
    paths: {
      '/srv/d': { kind: 'directory', entries: 0 },
      '/etc/a': { content: '', sha256: 'x' },
      '/etc/l': { kind: 'symlink', target: 'a' },
    },
    mounts: { '/m': mounted },
    units: { 'a.service': loaded },
  };
  const leaves = async (
    applied: AppliedIndex,
    observed: Seen,
    desired: Case['desired'] = {},
  ): Promise<string[]> => {
    const { plan } = await planCase({ desired, applied, observed });
    return [
      ...plan.changes.map(({ action, section, key, cause }) => `${action} ${section} ${key} ${cause}`),
      ...plan.unitActions.map(({ verb, unit }) => `${verb} ${unit}`),
      ...plan.notes,
    ];
  };

  it('goes', async () => {
    expect(await leaves(had, asLeft)).toEqual([
      'delete packages jq config',
      'delete groups crew config',
      'delete users ann config',
      'delete directories /srv/d config',
      'delete files /etc/a config',
      'delete symlinks /etc/l config',
      'delete mounts /m config',
      'delete units a.service config',
      'delete checks up config',
      'stop a.service',
      'disable a.service',
    ]);
  });

  it('is no change where it is gone already', async () => {
    expect(await leaves(had, {})).toEqual(['delete checks up config']);
  });

  it.each<[string, AppliedIndex, Seen, readonly string[]]>([
    ['a package', { packages: had.packages }, { packages: { jq: '1.7' } }, ['delete packages jq both']],
    ['a group', { groups: had.groups }, { groups: { crew: 71 } }, ['delete groups crew both']],
    ['a user', { users: had.users }, { users: { ann: { ...ann, home: '/x' } } }, ['delete users ann both']],
    [
      'a mount',
      { mounts: had.mounts },
      { mounts: { '/m': { ...mounted, options: ['ro'] } } },
      ['delete mounts /m both'],
    ],
    [
      'a file',
      { files: had.files },
      { paths: { '/etc/a': { content: '', sha256: 'y' } } },
      ['delete files /etc/a both'],
    ],
    [
      'a unit that only is enabled',
      { units: had.units },
      { units: { 'a.service': { ...loaded, active: 'inactive' } } },
      ['delete units a.service both', 'disable a.service'],
    ],
    [
      'a unit that only runs',
      { units: had.units },
      { units: { 'a.service': { ...loaded, fileState: 'disabled' } } },
      ['delete units a.service both', 'stop a.service'],
    ],
    [
      'a unit that dies again and again',
      { units: had.units },
      {
        units: {
          'a.service': { ...loaded, active: 'activating', sub: 'auto-restart', result: 'exit-code' },
        },
      },
      ['delete units a.service both', 'stop a.service', 'disable a.service'],
    ],
  ])('goes when someone changed it too, and that is said: %s', async (_, applied, observed, expected) => {
    expect(await leaves(applied, observed)).toEqual(expected);
  });

  it.each<[string, AppliedIndex, Seen, readonly string[]]>([
    [
      'a package of before',
      { packages: { jq: { adopted: true } } },
      { packages: { jq: '1' } },
      ['package jq left the configuration and stays: it was there before it was managed'],
    ],
    [
      'a package that was to be absent',
      { packages: { jq: { state: 'absent' } } },
      { packages: { jq: '1' } },
      [],
    ],
    [
      'a group of before',
      { groups: { crew: { adopted: true } } },
      { groups: { crew: 7 } },
      ['group crew left the configuration and stays: it was there before it was managed'],
    ],
    [
      'root, whatever is remembered',
      { users: { root: { group: 'root', home: '/root', shell: '/bin/sh', groups: [] } } },
      { users: { root: { ...ann, uid: 0, group: 'root', home: '/root' } } },
      ['user root left the configuration and stays: it was there before it was managed'],
    ],
    ['a mount in fstab alone', { mounts: { '/m': { state: 'present' } } }, { mounts: { '/m': mounted } }, []],
    [
      'a unit of before',
      { units: { 'a.service': { enabled: true, state: 'running', adopted: true } } },
      { units: { 'a.service': loaded } },
      ['unit a.service left the configuration and stays as it is: it ran before it was managed'],
    ],
    [
      'a unit that we neither started nor enabled',
      { units: { 'a.service': { enabled: null, state: 'any' } } },
      { units: { 'a.service': loaded } },
      [],
    ],
    [
      'a directory of before',
      { directories: { '/srv/d': { type: 'directory', ...ROOT, mode: '0755', adopted: true } } },
      { paths: { '/srv/d': { kind: 'directory', entries: 0 } } },
      ['directory /srv/d left the configuration and stays: it was there before it was managed'],
    ],
    [
      'a directory with something in it',
      { directories: had.directories },
      { paths: { '/srv/d': { kind: 'directory', entries: 1 } } },
      ['directory /srv/d left the configuration and stays: it holds 1 entry that is not ours to remove'],
    ],
    [
      'a directory with much in it',
      { directories: had.directories },
      { paths: { '/srv/d': { kind: 'directory', entries: 1000 } } },
      [
        'directory /srv/d left the configuration and stays: it holds 1000 entries or more that are not ours to remove',
      ],
    ],
    [
      'what is no directory any more',
      { directories: had.directories },
      { paths: { '/srv/d': { content: 'x' } } },
      ['directory /srv/d left the configuration and stays: it is no directory any more'],
    ],
    [
      'a file that is a directory now',
      { files: had.files },
      { paths: { '/etc/a': { kind: 'directory' } } },
      ['/etc/a left the configuration and stays: it is a directory now, and not ours'],
    ],
  ])('stays: %s', async (_, applied, observed, expected) => {
    expect(await leaves(applied, observed)).toEqual(expected);
  });

  it('leaves a user’s own group while the user stays', async () => {
    const desired = { users: { crew: { home: '/c', shell: '/bin/sh', groups: [], system: false } } };
    const observed = { ...asLeft, users: { crew: { ...ann, group: 'crew', home: '/c', groups: [] } } };
    expect(await leaves({ groups: { crew: {} } }, observed, desired)).toEqual([]);
  });

  it('keeps a directory that the document has something below', async () => {
    const file = { ...ROOT, mode: '0644', content: '' };
    const observed: Seen = {
      paths: { '/srv/d': { kind: 'directory', entries: 1 }, '/srv/d/x/f': { content: '' } },
    };
    expect(
      await leaves({ directories: had.directories }, observed, { files: { '/srv/d/x/f': file } }),
    ).toEqual([
      'directory /srv/d left the configuration and stays: it holds 1 entry that is not ours to remove',
    ]);
    const empty: Seen = { paths: { '/srv/d': { kind: 'directory', entries: 0 } } };
    expect(await leaves({ directories: had.directories }, empty, { files: { '/srv/d/x/f': file } })).toEqual([
      'create files /srv/d/x/f config',
      'directory /srv/d left the configuration and stays: the configuration has other paths in it',
    ]);
  });
});
