import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, killing, killingAfterState, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What stood on a host before us, on a directory that stands for one, by the real engine and the real scripts. */
const own = { owner: 'root', group: 'root', mode: '0644' };
const CONF = '/etc/ssh/sshd_config';
const EMPTY: HostManifest = { version: 1, host: 'box' };
const managing = (
  files: NonNullable<HostManifest['files']>,
  rest: Partial<HostManifest> = {},
): HostManifest => ({
  ...EMPTY,
  files,
  ...rest,
});
const ours = (content = 'Port 22\n'): HostManifest => managing({ [CONF]: { content, ...own } });

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

const text = (path: string): string => readFileSync(root.at(path), 'utf8');
async function apply(manifest: HostManifest, secrets: Record<string, string> = {}): Promise<void> {
  const run = await root.runDirectly(await root.plan(manifest, secrets));
  expect([run.outcome, run.stderr], run.progress).toEqual(['committed', '']);
}
async function leaving(manifest = EMPTY) {
  const { changes, notes, risky } = await root.plan(manifest);
  return {
    changes: changes.map(({ section, key, action, after, note }) => ({ section, key, action, after, note })),
    notes,
    risky,
  };
}
const entry = (path: string): string =>
  root.at(`/var/lib/citadel-iac/originals/${createHash('sha256').update(path).digest('hex')}`);
/** As if an older version of the tool, which marked no files and kept no originals, had applied everything so far. */
function asOlderVersion(): void {
  rmSync(root.at('/var/lib/citadel-iac/originals'), { recursive: true });
  root.shell(`
    cd var/lib/citadel-iac/generations
    for index in */index.json*; do
      case $index in *.gz) gunzip "$index"; index=\${index%.gz} ;; esac
      sed -i 's/"adopted":\\(true\\|false\\),//g' "$index"
      case $index in "$(basename "$(readlink ../current)")"/*) ;; *) gzip -nq "$index" ;; esac
    done`);
}

describe('a file that stood there before us', () => {
  it('is put back with its mode when it leaves, and the plan says so', async () => {
    root.write(CONF, 'Port 2222\n');
    chmodSync(root.at(CONF), 0o600);
    await apply(ours());
    await apply(ours('Port 23\n'));
    const { changes } = await root.plan(EMPTY);
    expect(changes).toMatchObject([
      {
        section: 'files',
        key: CONF,
        action: 'update',
        cause: 'config',
        before: { type: 'file', mode: '0644' },
        after: { type: 'file', mode: '0600', size: 10 },
        diff: `--- ${CONF}\n+++ ${CONF}\n@@ -1 +1 @@\n-Port 23\n+Port 2222\n`,
        note: 'what stood here before it was managed is put back',
      },
    ]);
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 2222\n');
    expect(statSync(root.at(CONF)).mode & 0o7777).toBe(0o600);
    expect(await leaving()).toEqual({ changes: [], notes: [], risky: false });
  });

  it('is put back when it was adopted without a change, and nothing is done when it stands there again', async () => {
    root.write(CONF, 'Port 22\n');
    await apply(ours());
    await apply(ours('Port 23\n'));
    await apply(ours('Port 22\n'));
    expect(await leaving()).toMatchObject({
      changes: [],
      notes: [`${CONF} left the configuration and stays: it is as it was before it was managed`],
    });
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 22\n');
  });

  it('is put back when it was deleted by hand meanwhile', async () => {
    root.write(CONF, 'Port 2222\n');
    await apply(ours());
    rmSync(root.at(CONF));
    expect((await leaving()).changes).toMatchObject([{ key: CONF, action: 'create' }]);
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 2222\n');
  });

  it('is left in our form, with the reason, when no copy is kept', async () => {
    root.write(CONF, 'Port 2222\n');
    await apply(ours());
    rmSync(entry(CONF), { recursive: true });
    expect(await leaving()).toMatchObject({
      changes: [],
      notes: [
        `${CONF} left the configuration and stays as it is: something stood there before it was managed, and no copy of that is kept`,
      ],
    });
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 22\n');
  });

  it('is kept for each time that it is managed, and survives what pruning drops', async () => {
    root.write(CONF, 'one\n');
    await apply(ours());
    await apply(EMPTY);
    root.write(CONF, 'two\n');
    await apply(ours());
    for (let at = 0; at < 22; at++) await apply(ours(`${String(at)}\n`));
    expect(existsSync(root.at('/var/lib/citadel-iac/generations/3'))).toBe(false);
    await apply(EMPTY);
    expect(text(CONF)).toBe('two\n');
    // What we then make ourselves goes for good.
    rmSync(root.at(CONF));
    await apply(ours());
    await apply(EMPTY);
    expect(existsSync(root.at(CONF))).toBe(false);
  }, 120_000);

  it('is a link, in whose place a file or a directory of ours stood', async () => {
    root.shell('mkdir -p etc/app srv/big; ln -s srv/big opt; ln -s a.conf etc/app/conf');
    await apply({
      ...managing({ '/etc/app/conf': { content: 'x', ...own }, '/opt/below/f': { content: 'y', ...own } }),
      directories: { '/opt': { ...own, mode: '0755' }, '/opt/below': { ...own, mode: '0755' } },
    });
    expect(lstatSync(root.at('/opt')).isDirectory()).toBe(true);
    await apply(EMPTY);
    expect(readlinkSync(root.at('/etc/app/conf'))).toBe('a.conf');
    expect(readlinkSync(root.at('/opt'))).toBe('srv/big');
  });

  it('is not taken for ours because a link was kept above it', async () => {
    root.shell('mkdir -p srv/big; ln -s srv/big app; echo old >srv/big/conf');
    await apply({
      ...managing({ '/app/conf': { content: 'new\n', ...own } }),
      symlinks: { '/x': { target: 'y' } },
    });
    expect(text('/srv/big/conf')).toBe('new\n');
    await apply(EMPTY);
    expect(text('/srv/big/conf')).toBe('old\n');
    expect(existsSync(root.at('/x'))).toBe(false);
  });

  it('stands where a directory was not empty', async () => {
    root.write('/etc/app', 'file');
    await apply({ ...EMPTY, directories: { '/etc/app': { ...own, mode: '0755' } } });
    root.write('/etc/app/by-hand', '');
    expect((await leaving()).notes[0]).toContain('directory /etc/app left the configuration and stays');
    rmSync(root.at('/etc/app/by-hand'));
    await apply(EMPTY);
    expect(text('/etc/app')).toBe('file');
  });

  it('comes back by an undo of its return as what stood there until then', async () => {
    root.write(CONF, 'Port 2222\n');
    await apply(ours());
    const run = await root.runDirectly(await root.plan(EMPTY), withFault(failing('remove_accounts')));
    expect(run.outcome).toBe('rolled-back');
    expect(text(CONF)).toBe('Port 22\n');
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 2222\n');
  });

  it('is not kept by a transaction that was undone', async () => {
    root.write(CONF, 'Port 2222\n');
    const run = await root.runDirectly(await root.plan(ours()), withFault(failing('remove_accounts')));
    expect(run.outcome).toBe('rolled-back');
    expect(text(CONF)).toBe('Port 2222\n');
    expect(existsSync(entry(CONF))).toBe(false);
    expect(root.leftovers()).toEqual([]);
  });

  it.each([
    ['before', withFault(killingAfterState('committed'))],
    ['after', withFault(killing('point_current'))],
  ])('is kept when the host dies just %s that', async (_when, script) => {
    root.write(CONF, 'Port 2222\n');
    await apply(ours());
    await apply(EMPTY);
    const run = await root.runDirectly(await root.plan(ours()), script);
    await root.recoverCleanly(run.id);
    expect(root.generation).toBe(3);
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 2222\n');
  });

  it('is refused when its copy is no longer what the plan saw', async () => {
    root.write(CONF, 'Port 2222\n');
    await apply(ours());
    const plan = await root.plan(EMPTY);
    writeFileSync(`${entry(CONF)}/copy`, 'other\n');
    const run = await root.runDirectly(plan);
    expect(run.outcome).toBe('conflict');
    expect(text(CONF)).toBe('Port 22\n');
  });
});

describe('a file of ours', () => {
  it('goes, but not where a package owns the path', async () => {
    await apply(
      managing({ '/etc/app.conf': { content: 'x', ...own }, '/etc/ours': { content: 'x', ...own } }),
    );
    root.write(
      '/var/lib/dpkg/status',
      'Package: app\nStatus: install ok installed\nMaintainer: m\nArchitecture: all\nVersion: 1\nDescription: d\n',
    );
    root.write('/var/lib/dpkg/info/app.list', '/.\n/etc\n/etc/app.conf\n');
    root.shell(
      'mkdir -p var/lib/dpkg/updates; touch var/lib/dpkg/available; echo 1 >var/lib/dpkg/info/format',
    );
    const { changes, notes } = await leaving();
    expect(changes).toMatchObject([{ key: '/etc/ours', action: 'delete' }]);
    expect(notes).toEqual([
      '/etc/app.conf left the configuration and stays as it is: it belongs to the package app, and no copy of its own version is kept',
    ]);
    await apply(EMPTY);
    expect([existsSync(root.at('/etc/app.conf')), existsSync(root.at('/etc/ours'))]).toEqual([true, false]);
  });

  it('is never left behind with a secret in it', async () => {
    root.write('/etc/db', 'password=theirs\n');
    const manifest = managing({ '/etc/db': { content: 'password=@@secret:pw@@\n', ...own } });
    await apply(manifest, { pw: 'planted-4711' });
    renameSync(entry('/etc/db'), `${entry('/etc/db')}.gone`);
    const { changes } = await leaving();
    expect(changes).toMatchObject([{ key: '/etc/db', action: 'delete' }]);
    expect(changes[0]?.note).toContain('it goes because it holds a secret');
    renameSync(`${entry('/etc/db')}.gone`, entry('/etc/db'));
    await apply(EMPTY);
    expect(text('/etc/db')).toBe('password=theirs\n');
  });
});

describe('on a host of a version that marked no files', () => {
  it('what stood there comes from what the first generation kept for its undo', async () => {
    root.write(CONF, 'Port 2222\n');
    root.write('/etc/equal', 'x');
    const both = (content: string): HostManifest => ({
      ...managing({
        [CONF]: { content, ...own },
        '/etc/equal': { content: 'x', ...own },
        '/etc/made': { content, ...own },
      }),
      symlinks: { '/etc/made-link': { target: 'x' } },
    });
    await apply(EMPTY);
    await apply(both('1\n'));
    await apply(both('2\n'));
    asOlderVersion();
    const { changes, notes } = await leaving();
    expect(changes).toMatchObject([
      { section: 'files', key: '/etc/made', action: 'delete' },
      { section: 'files', key: CONF, action: 'update', after: { size: 10 } },
      { section: 'symlinks', key: '/etc/made-link', action: 'delete' },
    ]);
    expect(notes).toEqual([
      '/etc/equal left the configuration and stays as it is: an older version of citadel-iac managed it first, and it is not known what stood there before',
    ]);
    await apply(EMPTY);
    expect(text(CONF)).toBe('Port 2222\n');
    expect(existsSync(root.at('/etc/made'))).toBe(false);
  });

  it('a file is left where the first generation is gone, unless it holds a secret', async () => {
    root.write(CONF, 'Port 2222\n');
    const secret = { content: '@@secret:pw@@', ...own };
    await apply(managing({ [CONF]: { content: '1', ...own }, '/etc/s': secret }));
    await apply(managing({ [CONF]: { content: '2', ...own }, '/etc/s': secret }));
    asOlderVersion();
    rmSync(root.at('/var/lib/citadel-iac/generations/1'), { recursive: true });
    const { changes, notes } = await leaving();
    expect(changes).toMatchObject([{ key: '/etc/s', action: 'delete' }]);
    expect(notes[0]).toContain(`${CONF} left the configuration and stays as it is: an older version`);
    // It stays unmarked in what comes after, too.
    await apply(managing({ [CONF]: { content: '3', ...own } }));
    await apply(EMPTY);
    expect(text(CONF)).toBe('3');
  });
});

it('keeps originals for root alone', async () => {
  root.write(CONF, 'Port 2222\n');
  mkdirSync(root.at('/srv'));
  symlinkSync('x', root.at('/srv/link'));
  await apply(ours());
  expect(statSync(root.at('/var/lib/citadel-iac/originals')).mode & 0o777).toBe(0o700);
  expect(readFileSync(`${entry(CONF)}/path`, 'utf8')).toBe(`${CONF}\n`);
});
