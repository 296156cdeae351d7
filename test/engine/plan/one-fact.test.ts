import { describe, expect, it } from 'vitest';
import { appliedIndex } from '../../../lib/engine/plan/applied-index.js';
import { CitadelError } from '../../../lib/manifest/index.js';
import { planCase, type Case } from '../support/plan-case.js';

type Desired = Case['desired'];
type Seen = NonNullable<Case['observed']>;

const ROOT = { owner: 'root', group: 'root' };
const ANN = { home: '/home/ann', shell: '/bin/bash', groups: ['crew'], system: false };
const UNIT = { restartOn: [], reloadOn: [], wave: 0 };
const MOUNT = { type: 'ext4', state: 'mounted' } as const;
const BLOCK = `# BEGIN citadel-iac a\none\ntwo\n# END citadel-iac a\n`;

const desired: Desired = {
  packages: { htop: {}, jq: { version: '1.6' }, nano: { state: 'absent' } },
  groups: { crew: { system: false }, team: { gid: 7, system: false } },
  users: { ann: { ...ANN, uid: 1000 } },
  directories: { '/srv/d': { ...ROOT, mode: '0750' } },
  files: { '/etc/a': { ...ROOT, mode: '0644', content: 'a\n' } },
  symlinks: { '/etc/l': { target: 'a' } },
  blocks: { '/etc/x': { a: 'one\ntwo' } },
  mounts: {
    '/m/data': { ...MOUNT, source: '/dev/sda1', options: ['noatime', 'nofail', 'ro'] },
    '/m/label': { ...MOUNT, source: 'LABEL=Data', options: ['defaults'] },
    '/m/uuid': { ...MOUNT, source: 'UUID="AB-1"', options: ['defaults'] },
    '/m/part': { ...MOUNT, source: '/dev/disk/by-partlabel/p', options: ['defaults'] },
    '/m/partuuid': { ...MOUNT, source: 'PARTUUID=cd-2', options: ['defaults'] },
    '/m/bind': { ...MOUNT, type: 'none', source: '/srv/d', options: ['bind'] },
    '/m/nfs': { ...MOUNT, type: 'nfs', source: 'nas:/x', options: ['defaults'] },
    '/m/user': { ...MOUNT, source: '/dev/sda2', options: ['user', 'ro'] },
    '/m/later': { ...MOUNT, source: '/dev/sda3', options: ['defaults'], state: 'present' },
    '/m/mem': { ...MOUNT, type: 'tmpfs', source: 'none', options: ['nosuid'] },
  },
  units: {
    'runs.service': { ...UNIT, enabled: true, state: 'running' },
    'rests.service': { ...UNIT, enabled: false, state: 'stopped' },
    'any.service': { ...UNIT, enabled: null, state: 'any' },
  },
};
const ext4 = { type: 'ext4', options: ['rw', 'relatime'] };
const asWanted = {
  packages: { htop: '3.2', jq: '1.6' },
  groups: { crew: 70, team: 7 },
  users: { ann: { uid: 1000, gid: 1000, group: 'ann', ...ANN } },
  paths: {
    '/srv/d': { kind: 'directory', mode: '0750' },
    '/etc/a': { content: 'a\n' },
    '/etc/l': { kind: 'symlink', target: 'a' },
    '/etc/x': { content: `theirs\n${BLOCK}` },
  },
  mounts: {
    '/m/data': { source: '/dev/sda1', type: 'ext4', options: ['ro', 'noatime', 'stripe=32'] },
    '/m/label': { ...ext4, source: '/dev/sdb1', label: 'Data' },
    '/m/uuid': { ...ext4, source: '/dev/sdb2', uuid: 'ab-1' },
    '/m/part': { ...ext4, source: '/dev/sdb3', partLabel: 'p' },
    '/m/partuuid': { ...ext4, source: '/dev/sdb4', partUuid: 'cd-2' },
    '/m/bind': { ...ext4, source: '/dev/sdb5[/srv/d]', fsRoot: '/srv/d' },
    '/m/nfs': { source: 'nas:/x', type: 'nfs4', options: ['rw', 'vers=4.2'] },
    '/m/user': { source: '/dev/sda2', type: 'ext4', options: ['ro', 'noexec', 'nosuid', 'nodev'] },
    '/m/mem': { source: 'tmpfs', type: 'tmpfs', options: ['rw', 'nosuid'] },
  },
  units: {
    'runs.service': { load: 'loaded', active: 'active', fileState: 'enabled', needDaemonReload: false },
    'rests.service': { load: 'loaded', active: 'inactive', fileState: 'disabled', needDaemonReload: false },
    'any.service': { load: 'loaded', active: 'active', fileState: 'disabled', needDaemonReload: false },
  },
} satisfies Seen;

/** The host as wanted, but for some items: `null` is one that is not there. */
function but(other: Readonly<Record<string, Readonly<Record<string, unknown>>>>): Seen {
  return Object.fromEntries(
    Object.entries(asWanted).map(([section, items]) => [
      section,
      Object.fromEntries(Object.entries({ ...items, ...other[section] }).filter(([, item]) => item !== null)),
    ]),
  );
}

/** `update files /etc/a drift` of each change, or the property of each problem. */
async function outcome(test: Case): Promise<string[]> {
  try {
    const { plan } = await planCase(test);
    return plan.changes.map(({ action, section, key, cause }) => `${action} ${section} ${key} ${cause}`);
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return error.problems.map(({ property }) => `refused: ${String(property)}`);
  }
}

const path = (name: keyof typeof asWanted.paths, more: object): Seen =>
  but({ paths: { [name]: { ...asWanted.paths[name], ...more } } });
const user = (more: object): Seen => but({ users: { ann: { ...asWanted.users.ann, ...more } } });
const mount = (name: keyof typeof asWanted.mounts, more: object): Seen =>
  but({ mounts: { [name]: { ...asWanted.mounts[name], ...more } } });
const unit = (name: keyof typeof asWanted.units, more: object): Seen =>
  but({ units: { [name]: { ...asWanted.units[name], ...more } } });

describe('a host that is as the document wants it', () => {
  it('needs no change', async () => {
    expect(await outcome({ desired, applied: 'same', observed: asWanted })).toEqual([]);
  });

  it.each<[string, Seen, string]>([
    ['a file’s content', path('/etc/a', { content: 'b\n' }), 'update files /etc/a drift'],
    ['a file’s owner', path('/etc/a', { owner: 'ann' }), 'update files /etc/a drift'],
    ['a file’s group', path('/etc/a', { group: 'ann' }), 'update files /etc/a drift'],
    ['a file’s mode', path('/etc/a', { mode: '0640' }), 'update files /etc/a drift'],
    ['a file’s kind', path('/etc/a', { kind: 'other' }), 'update files /etc/a drift'],
    ['a directory’s owner', path('/srv/d', { owner: 'ann' }), 'update directories /srv/d drift'],
    ['a directory’s group', path('/srv/d', { group: 'ann' }), 'update directories /srv/d drift'],
    ['a directory’s mode', path('/srv/d', { mode: '0755' }), 'update directories /srv/d drift'],
    ['a link’s target', path('/etc/l', { target: 'b' }), 'update symlinks /etc/l drift'],
    ['a target that is no text', path('/etc/l', { targetBytes: 'YQ==' }), 'update symlinks /etc/l drift'],
    ['a file that is gone', but({ paths: { '/etc/a': null } }), 'create files /etc/a drift'],
    ['a block’s text', path('/etc/x', { content: BLOCK.replace('two', '2') }), 'update blocks /etc/x drift'],
    ['a block that is gone', path('/etc/x', { content: 'theirs\n' }), 'update blocks /etc/x drift'],
    ['a package that is gone', but({ packages: { htop: null } }), 'create packages htop drift'],
    ['a package’s version', but({ packages: { jq: '1.7' } }), 'update packages jq drift'],
    ['a package that is there', but({ packages: { nano: '8' } }), 'delete packages nano drift'],
    ['a group that is gone', but({ groups: { crew: null } }), 'create groups crew drift'],
    ['a group’s number', but({ groups: { team: 8 } }), 'refused: groups["team"].gid'],
    ['a user’s number', user({ uid: 1001 }), 'refused: users["ann"].uid'],
    ['a user’s group', user({ group: 'crew' }), 'update users ann drift'],
    ['a user’s home', user({ home: '/srv/ann' }), 'update users ann drift'],
    ['a user’s shell', user({ shell: '/bin/sh' }), 'update users ann drift'],
    ['a user’s membership', user({ groups: ['adm'] }), 'update users ann drift'],
    ['a mount that is gone', but({ mounts: { '/m/data': null } }), 'create mounts /m/data drift'],
    ['a mount’s source', mount('/m/data', { source: '/dev/sdc1' }), 'update mounts /m/data drift'],
    ['a mount’s type', mount('/m/data', { type: 'xfs' }), 'update mounts /m/data drift'],
    [
      'a mount that lost an option',
      mount('/m/data', { options: ['noatime'] }),
      'update mounts /m/data drift',
    ],
    [
      'a mount with one more option',
      mount('/m/data', { options: ['ro', 'noatime', 'noexec'] }),
      'update mounts /m/data drift',
    ],
    [
      'a user’s mount without an option',
      mount('/m/user', { options: ['defaults'] }),
      'update mounts /m/user drift',
    ],
    ['a label', mount('/m/label', { label: 'Other' }), 'update mounts /m/label drift'],
    ['a UUID', mount('/m/uuid', { uuid: 'ab-2' }), 'update mounts /m/uuid drift'],
    ['a partition’s label', mount('/m/part', { partLabel: 'q' }), 'update mounts /m/part drift'],
    ['a partition’s UUID', mount('/m/partuuid', { partUuid: 'cd-3' }), 'update mounts /m/partuuid drift'],
    ['a bind mount’s directory', mount('/m/bind', { fsRoot: '/srv/e' }), 'update mounts /m/bind drift'],
    ['a server’s directory', mount('/m/nfs', { source: 'nas:/y' }), 'update mounts /m/nfs drift'],
    ['what is no memory', mount('/m/mem', { type: 'ramfs' }), 'update mounts /m/mem drift'],
    ['a unit that is down', unit('runs.service', { active: 'inactive' }), 'update units runs.service drift'],
    ['a unit that failed', unit('runs.service', { active: 'failed' }), 'update units runs.service drift'],
    [
      'a unit not enabled',
      unit('runs.service', { fileState: 'disabled' }),
      'update units runs.service drift',
    ],
    [
      'a unit enabled until the next boot',
      unit('runs.service', { fileState: 'enabled-runtime' }),
      'update units runs.service drift',
    ],
    ['a unit masked as it runs', unit('runs.service', { load: 'masked' }), 'update units runs.service drift'],
    [
      'a unit with files that systemd has not read',
      unit('runs.service', { needDaemonReload: true }),
      'update units runs.service drift',
    ],
    ['a unit that runs', unit('rests.service', { active: 'active' }), 'update units rests.service drift'],
    [
      'a unit that is enabled',
      unit('rests.service', { fileState: 'enabled' }),
      'update units rests.service drift',
    ],
    ['a unit that no one knows', but({ units: { 'runs.service': null } }), 'create units runs.service drift'],
  ])('has drifted by %s alone', async (_, observed, expected) => {
    expect(await outcome({ desired, applied: 'same', observed })).toEqual([expected]);
  });

  it.each<[string, Seen]>([
    ['a file of no one', but({ paths: { '/etc/b': { content: '' } } })],
    ['a group that the user is in besides', user({ groups: ['adm', 'crew'] })],
    ['a wanted group that is the user’s own', user({ groups: ['crew'] })],
    ['a mount whose device has no label to see', mount('/m/label', { label: undefined })],
    ['a directory of a bind mount that no one sees', mount('/m/bind', { fsRoot: undefined })],
    ['a mount that is only to be in fstab', but({ mounts: { '/m/later': { ...ext4, source: '/dev/sdz' } } })],
    ['the name of a file system in memory', mount('/m/mem', { source: 'none' })],
    ['the unit that starts', unit('runs.service', { active: 'activating' })],
    ['the unit that reads its files again', unit('runs.service', { active: 'reloading' })],
    ['a unit of which nothing is wanted', unit('any.service', { active: 'failed', fileState: 'enabled' })],
    ['a unit that cannot be enabled', unit('runs.service', { fileState: 'static' })],
    ['a failed unit that is to rest', unit('rests.service', { active: 'failed' })],
  ])('has not drifted by %s', async (_, observed) => {
    expect(await outcome({ desired, applied: 'same', observed })).toEqual([]);
  });
});

describe('the cause of a change', () => {
  const next: Desired = {
    ...desired,
    packages: { ...desired.packages, jq: { version: '1.8' } },
    users: { ann: { ...ANN, uid: 1000, shell: '/bin/zsh' } },
    files: { '/etc/a': { ...ROOT, mode: '0644', content: 'new\n' } },
    blocks: { '/etc/x': { a: 'new' } },
    mounts: {
      ...desired.mounts,
      '/m/data': { ...MOUNT, source: '/dev/sdq1', options: ['noatime', 'nofail', 'ro'] },
    },
    units: { ...desired.units, 'runs.service': { ...UNIT, enabled: false, state: 'stopped' } },
  };

  it.each<[string, Seen]>([
    ['packages jq', but({ packages: { jq: '1.7' } })],
    ['users ann', user({ home: '/srv/ann' })],
    ['files /etc/a', path('/etc/a', { content: 'b\n' })],
    ['blocks /etc/x', path('/etc/x', { content: BLOCK.replace('two', '2') })],
    ['mounts /m/data', mount('/m/data', { source: '/dev/sdc1' })],
    ['units runs.service', unit('runs.service', { fileState: 'static', active: 'reloading' })],
  ])('%s: the document, a person, or both', async (item, changed) => {
    const { plan } = await planCase({ desired, observed: asWanted });
    const applied = appliedIndex(plan);
    const causes = async (observed: Seen, wanted: Desired): Promise<string[]> =>
      (await outcome({ desired: wanted, applied, observed })).filter((line) => line.includes(` ${item} `));
    expect(await causes(asWanted, desired)).toEqual([]);
    expect(await causes(asWanted, next)).toEqual([`update ${item} config`]);
    if (item.startsWith('units')) return;
    expect(await causes(changed, desired)).toEqual([`update ${item} drift`]);
    expect(await causes(changed, next)).toEqual([`update ${item} both`]);
  });
});
