import { describe, expect, it } from 'vitest';
import type { AppliedIndex, AppliedItem } from '../../../lib/engine/model.js';
import { CitadelError } from '../../../lib/manifest/index.js';
import { planCase, type Case } from '../support/plan-case.js';

type Seen = NonNullable<Case['observed']>;

const ROOT = { owner: 'root', group: 'root' };
const COPY = '/var/lib/citadel-iac/originals/1';
const FILE: AppliedItem = { type: 'file', ...ROOT, mode: '0644', sha256: 'x' };
const ours = { content: 'ours\n', sha256: 'x' };

/** Each change with its note, and the notes; or what the problems are of. */
async function outcome(test: Case): Promise<string[]> {
  try {
    const { plan } = await planCase(test);
    return [
      ...plan.changes.map(({ action, section, key, cause, note }) =>
        [action, section, key, cause, ...(note === undefined ? [] : [`(${note})`])].join(' '),
      ),
      ...plan.unitActions.map(({ verb, unit }) => `${verb} ${unit}`),
      ...plan.notes,
    ];
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return error.problems.map(({ path, property, got }) => `${path} ${String(property)}: ${got}`);
  }
}

describe('a path that leaves', () => {
  const leaves = (item: AppliedItem, observed: Seen): Promise<string[]> =>
    outcome({
      desired: {},
      applied: { [item['type'] === 'symlink' ? 'symlinks' : 'files']: { '/etc/a': item } },
      observed,
    });
  const back = '(what stood here before it was managed is put back)';

  it.each<[string, Seen, readonly string[]]>([
    [
      'a file that was there comes back',
      { paths: { '/etc/a': ours, [COPY]: { content: 'theirs\n' } }, before: { '/etc/a': { copy: COPY } } },
      [`update files /etc/a config ${back}`],
    ],
    [
      'the same, though someone changed it',
      {
        paths: { '/etc/a': { ...ours, sha256: 'y' }, [COPY]: { content: '' } },
        before: { '/etc/a': { copy: COPY } },
      },
      [`update files /etc/a both ${back}`],
    ],
    [
      'the same, though someone took it away',
      { paths: { [COPY]: { content: 'theirs\n' } }, before: { '/etc/a': { copy: COPY } } },
      [`create files /etc/a both ${back}`],
    ],
    [
      'a link that was there comes back',
      {
        paths: { '/etc/a': ours, [COPY]: { kind: 'symlink', target: 'b' } },
        before: { '/etc/a': { copy: COPY } },
      },
      [`update symlinks /etc/a config ${back}`],
    ],
    [
      'a directory that was there comes back',
      { paths: { '/etc/a': ours, [COPY]: { kind: 'directory' } }, before: { '/etc/a': { copy: COPY } } },
      [`update directories /etc/a config ${back}`],
    ],
    [
      'what is as it was stays',
      { paths: { '/etc/a': ours, [COPY]: ours }, before: { '/etc/a': { copy: COPY } } },
      ['/etc/a left the configuration and stays: it is as it was before it was managed'],
    ],
    [
      'a package’s file without a copy stays',
      { paths: { '/etc/a': ours }, before: { '/etc/a': { owner: 'bash' } } },
      [
        '/etc/a left the configuration and stays as it is: it belongs to the package bash, and no copy of its own version is kept',
      ],
    ],
    [
      'what an older version made goes',
      { paths: { '/etc/a': ours }, before: { '/etc/a': { made: true } } },
      ['delete files /etc/a config'],
    ],
    [
      'what no one knows stays',
      { paths: { '/etc/a': ours } },
      [
        '/etc/a left the configuration and stays as it is: an older version of citadel-iac managed it first, and it is not known what stood there before',
      ],
    ],
  ])('%s', async (_, observed, expected) => {
    expect(await leaves(FILE, observed)).toEqual(expected);
  });

  it.each<[string, object]>([
    ['content', { sha256: 'other' }],
    ['mode', { mode: '0600' }],
    ['owner', { uid: 7 }],
    ['group', { gid: 7 }],
  ])('comes back where its %s alone is another', async (_, was) => {
    const observed = {
      paths: { '/etc/a': ours, [COPY]: { ...ours, ...was } },
      before: { '/etc/a': { copy: COPY } },
    };
    expect(await leaves(FILE, observed)).toEqual([`update files /etc/a config ${back}`]);
  });

  it.each<[string, object, readonly string[]]>([
    ['the same', {}, ['/etc/a left the configuration and stays: it is as it was before it was managed']],
    ['another one', { target: 'c' }, [`update symlinks /etc/a both ${back}`]],
    ['one of other bytes', { targetBytes: 'YQ==' }, [`update symlinks /etc/a both ${back}`]],
  ])('that was a link, in whose place a person put %s', async (_, seen, expected) => {
    const link = { kind: 'symlink' as const, target: 'b' };
    const observed = {
      paths: { '/etc/a': { ...link, ...seen }, [COPY]: link },
      before: { '/etc/a': { copy: COPY } },
    };
    expect(await leaves({ type: 'symlink', target: 'z' }, observed)).toEqual(expected);
  });

  it('goes though something stood there, because it holds a secret', async () => {
    const observed = { paths: { '/etc/a': ours } };
    expect(await leaves({ ...FILE, adopted: true, secret: 'key' }, observed)).toEqual([
      'delete files /etc/a config (something stood there before it was managed, and no copy of that is kept; it goes because it holds a secret)',
    ]);
  });

  it('keeps the copy where the document has paths below it', async () => {
    const desired = { files: { '/etc/a/b': { ...ROOT, mode: '0644', content: '' } } };
    const observed = {
      paths: { '/etc/a': ours, [COPY]: { content: '' } },
      before: { '/etc/a': { copy: COPY } },
    };
    expect(await outcome({ desired, applied: { files: { '/etc/a': FILE } }, observed })).toEqual([
      `delete files /etc/a config (what stood here before stays in ${COPY}: the configuration has paths below)`,
      'create files /etc/a/b config',
    ]);
  });

  it('gives a directory its owner and mode of before', async () => {
    const applied = { directories: { '/srv': { type: 'directory', ...ROOT, mode: '0755', adopted: true } } };
    const was = (mode: string): Seen => ({
      paths: { '/srv': { kind: 'directory', entries: 3 }, [COPY]: { kind: 'directory', mode } },
      before: { '/srv': { copy: COPY } },
    });
    expect(await outcome({ desired: {}, applied, observed: was('0700') })).toEqual([
      'update directories /srv config (owner and mode go back to what they were before it was managed)',
    ]);
    expect(await outcome({ desired: {}, applied, observed: was('0755') })).toEqual([
      'directory /srv left the configuration and stays: it was there before it was managed',
    ]);
  });
});

describe('a user who was there and leaves', () => {
  const was = { group: 'users', home: '/home/ann', shell: '/bin/sh' };
  const made = { group: 'crew', home: '/srv/ann', shell: '/bin/zsh' };
  const seen = { uid: 1000, gid: 100, groups: ['adm', 'ops'], ...made };
  const note = 'user ann left the configuration and stays: it was there before it was managed';

  it.each<[string, object, Record<string, unknown>, object | undefined]>([
    ['is as before again', {}, { ann: seen }, was],
    [
      'keeps a shell that someone gave',
      {},
      { ann: { ...seen, shell: '/bin/fish' } },
      { ...was, shell: '/bin/fish' },
    ],
    ['keeps a home that someone gave', {}, { ann: { ...seen, home: '/x' } }, { ...was, home: '/x' }],
    ['keeps a group that someone gave', {}, { ann: { ...seen, group: 'adm' } }, { ...was, group: 'adm' }],
    ['stays as it is where nothing was changed', { was: made }, { ann: seen }, undefined],
    [
      'gets its group back alone',
      { was: { ...made, group: 'users' } },
      { ann: seen },
      { ...made, group: 'users' },
    ],
    ['gets its home back alone', { was: { ...made, home: '/h' } }, { ann: seen }, { ...made, home: '/h' }],
    ['gets its shell back alone', { was: { ...made, shell: '/s' } }, { ann: seen }, { ...made, shell: '/s' }],
    [
      'keeps its group where that of before is gone',
      { was: { ...was, group: 'gone' } },
      { ann: seen },
      { ...was, group: 'crew' },
    ],
    ['stays as it is where no one knows how it was', { was: { ...was, shell: 1 } }, { ann: seen }, undefined],
  ])('%s', async (_, more, users, after) => {
    const { plan } = await planCase({
      desired: {},
      applied: { users: { ann: { ...made, groups: [], adopted: true, was, ...more } } },
      observed: { users, groups: { users: 100, crew: 7, adm: 4 } },
    });
    expect(plan.notes).toEqual([note]);
    expect(plan.changes.map((change) => change.after)).toEqual(
      after === undefined ? [] : [{ uid: 1000, groups: [], ...after }],
    );
  });

  it('loses only the groups that we gave', async () => {
    const applied = { users: { ann: { ...made, groups: ['adm', 'ops'], had: ['adm'], adopted: true } } };
    const observed = { users: { ann: seen } };
    expect(await outcome({ desired: {}, applied, observed })).toEqual([
      'update users ann config (ann loses ops)',
      note,
    ]);
    const desired = {
      users: { ann: { group: 'ops', home: '/srv/ann', shell: '/bin/zsh', groups: ['adm'], system: false } },
    };
    const staying = { users: { ann: { ...seen, group: 'ops' } } };
    expect(await outcome({ desired, applied, observed: staying })).toEqual([]);
  });
});

describe('a unit that was there and leaves', () => {
  const loaded = { load: 'loaded', active: 'active', needDaemonReload: false };
  it.each<[string, string, boolean, string, readonly string[]]>([
    ['is enabled again', 'enabled', false, 'disabled', ['enable a.service']],
    ['is disabled again', 'disabled', true, 'enabled', ['disable a.service']],
    ['stays as someone made it, enabled', 'enabled', false, 'enabled', []],
    ['stays as someone made it, disabled', 'disabled', true, 'disabled', []],
    ['stays enabled as it was', 'enabled', true, 'enabled', []],
    ['stays disabled as it was', 'disabled', false, 'disabled', []],
  ])('%s', async (_, was, enabled, fileState, actions) => {
    const applied = { units: { 'a.service': { enabled, state: 'any', adopted: true, was } } };
    const live = { units: { 'a.service': { ...loaded, fileState } } };
    const root = { offline: { privileged: true, accounts: true, unitFiles: { 'a.service': fileState } } };
    const done = async (observed: Seen): Promise<string[]> =>
      (await planCase({ desired: {}, applied, observed })).plan.unitActions.map(
        ({ verb, unit }) => `${verb} ${unit}`,
      );
    expect([await done(live), await done(root)]).toEqual([actions, actions]);
  });

  it.each<[string, AppliedItem, string, readonly string[]]>([
    ['ours goes', { enabled: true }, 'enabled', ['delete units a.service config', 'disable a.service']],
    ['ours that is not enabled any more is left', { enabled: true }, 'disabled', []],
    ['one that we did not enable is left', { enabled: false }, 'enabled', []],
    ['one of before is left', { enabled: true, adopted: true }, 'enabled', []],
  ])('in an offline root: %s', async (_, item, fileState, expected) => {
    const offline = { privileged: true, accounts: true, unitFiles: { 'a.service': fileState } };
    expect(
      await outcome({ desired: {}, applied: { units: { 'a.service': item } }, observed: { offline } }),
    ).toEqual(expected);
  });
});

describe('blocks in a file that was ours', () => {
  const desired = { blocks: { '/etc/a': { b: 'x\n' } } };
  const block = '# BEGIN citadel-iac b\nx\n# END citadel-iac b\n';
  const writes = async (item: AppliedItem, observed: Seen): Promise<unknown> => {
    const { plan } = await planCase({ desired, applied: { files: { '/etc/a': item } }, observed });
    return plan.contents.get('/etc/a')?.toString();
  };

  it.each<[string, AppliedItem, Seen, string]>([
    ['come to nothing of ours', { ...FILE, adopted: false }, { paths: { '/etc/a': ours } }, block],
    ['come into what is not known to be ours', FILE, { paths: { '/etc/a': ours } }, `ours\n${block}`],
    [
      'come into what stood there before',
      { ...FILE, adopted: true },
      { paths: { '/etc/a': ours, [COPY]: { content: 'theirs\n' } }, before: { '/etc/a': { copy: COPY } } },
      `theirs\n${block}`,
    ],
  ])('%s', async (_, item, observed, expected) => {
    expect(await writes(item, observed)).toBe(expected);
  });

  it('are refused where a link or a directory stood there before', async () => {
    const observed = {
      paths: { '/etc/a': ours, [COPY]: { kind: 'symlink' as const, target: 'z' } },
      before: { '/etc/a': { copy: COPY } },
    };
    expect(await outcome({ desired, applied: { files: { '/etc/a': FILE } }, observed })).toEqual([
      'lab blocks["/etc/a"]: /etc/a was a symbolic link to z before it was managed, which comes back, and a block can only stand in a regular file',
    ]);
    expect(await outcome({ desired, observed: { paths: { '/etc/a': { kind: 'directory' } } } })).toEqual([
      'lab blocks["/etc/a"]: /etc/a is a directory on the host, and a block can only stand in a regular file',
    ]);
  });
});

describe('links', () => {
  it('that a directory replaces show nothing that is behind them', async () => {
    const file = { ...ROOT, mode: '0644', content: 'f\n' };
    const desired = {
      directories: { '/srv/l': { ...ROOT, mode: '0755' } },
      files: { '/srv/l/f': file, '/srv/lf': file },
    };
    const observed: Seen = {
      paths: {
        '/srv/l': { kind: 'symlink', target: 'd' },
        '/srv/l/f': { content: 'f\n' },
        '/srv/lf': { content: 'f\n' },
      },
    };
    expect(await outcome({ desired, observed })).toEqual([
      'update directories /srv/l config (a new directory takes the place of the link: what d holds stays there, and is not reached by this path any more)',
      'create files /srv/l/f config',
    ]);
  });

  it.each<[string, Case['desired'], AppliedIndex, string, readonly string[]]>([
    ['the document', { files: { '/l/f': { ...ROOT, mode: '0644', content: '' } } }, {}, 'a', ['/l/f']],
    ['the last generation', {}, { files: { '/l/g': FILE, '/l/f': FILE } }, 'a', ['/l/f (and 1 more)']],
    ['blocks', { blocks: { '/l/h': { a: '' } } }, {}, 'a', ['/l/h']],
    ['nobody', { files: { '/lf': { ...ROOT, mode: '0644', content: '' } } }, {}, 'a', []],
    [
      'the document, but lead there already',
      { files: { '/l/f': { ...ROOT, mode: '0644', content: '' } } },
      {},
      'b',
      [],
    ],
  ])('are not led elsewhere above paths of %s', async (_, below, applied, target, named) => {
    const desired = { ...below, symlinks: { '/l': { target: 'b' } } };
    const observed: Seen = { paths: { '/l': { kind: 'symlink', target } } };
    const said = await outcome({ desired, applied, observed });
    expect(said.filter((line) => line.startsWith('lab '))).toEqual(
      named.map(
        (paths) =>
          `lab symlinks["/l"]: /l leads to a on the host and is to lead to b, and ${paths} lies below it: by the new way that is another file`,
      ),
    );
  });
});

describe('a line of others in fstab', () => {
  const desired: Case['desired'] = {
    blocks: { '/etc/fstab': { '/m x': '' } },
    mounts: { '/m x': { source: '/dev/sda1', type: 'ext4', options: ['defaults'], state: 'mounted' } },
  };
  const refused = (fstab: string): Promise<string[]> =>
    outcome({
      desired,
      observed: {
        paths: { '/etc/fstab': { content: fstab } },
        mounts: { '/m x': { source: '/dev/sda1', type: 'ext4', options: [] } },
      },
    });

  it.each([
    ['/dev/sdb1 /m\\040x ext4 defaults 0 2\n', 1],
    ['# a\n\n \t/dev/sdb1\t \t/m\\040x// ext4 defaults 0 2', 3],
    ['# BEGIN citadel-iac a\n/dev/sda1 /m\\040x ext4\n# END citadel-iac a\n/dev/sdb1 /m\\040x ext4\n', 4],
  ])('with a mount point of ours is refused (%#)', async (fstab, line) => {
    expect(await refused(fstab)).toEqual([
      `lab mounts["/m x"]: /etc/fstab:${String(line)} of the host mounts /dev/sdb1 there already`,
    ]);
  });

  it.each([
    '',
    '#/dev/sdb1 /m\\040x ext4\n',
    '  # /dev/sdb1 /m\\040x ext4\n',
    '/dev/sdb1 / ext4 defaults 0 1\n/dev/sdc1 /m\\040xy ext4\n',
    '# BEGIN citadel-iac /m x\n/dev/sda1 /m\\040x ext4\n# END citadel-iac /m x\n',
  ])('of another place, or of ours, is not (%#)', async (fstab) => {
    expect((await refused(fstab)).filter((line) => line.startsWith('lab '))).toEqual([]);
  });
});
