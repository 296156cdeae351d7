import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPlan, systemDeps } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { RESOLVE_ACCEPT } from '../../../lib/engine/apply/programs.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What stood at a path before us, where the path is a file, a block, a link and a directory one after the other. */
const own = { owner: 'root', group: 'root', mode: '0644' };
const CONF = '/etc/app.conf';
const EMPTY: HostManifest = { version: 1, host: 'box' };
const asFile = (content: string): HostManifest => ({ ...EMPTY, files: { [CONF]: { content, ...own } } });
const asBlock = (text = 'block\n'): HostManifest => ({ ...EMPTY, blocks: { [CONF]: { ours: text } } });
const BLOCK = '# BEGIN citadel-iac ours\nblock\n# END citadel-iac ours\n';

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
});
afterEach(() => root.remove());

const text = (path = CONF): string => readFileSync(root.at(path), 'utf8');
const mode = (path = CONF): number => statSync(root.at(path)).mode & 0o7777;
async function apply(manifest: HostManifest, secrets: Record<string, string> = {}): Promise<void> {
  const result = await applyPlan(
    await root.transport(),
    await root.plan(manifest, secrets),
    { who: 'test@here' },
    systemDeps,
  );
  expect(result.outcome, JSON.stringify(result)).toBe('committed');
  expect((await root.plan(manifest, secrets)).changes).toEqual([]);
}
/** What a file carries besides owner and mode: its ACL (here: uid 777 may read) and extended attributes. */
const CARRIED = ['system.posix_acl_access', 'user.origin'];
function carry(path = CONF): void {
  const entries = [
    [1, 6, -1],
    [2, 4, 777],
    [4, 0, -1],
    [16, 4, -1],
    [32, 0, -1],
  ];
  const script = `import os, struct, sys
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', t, p, i & 0xffffffff) for t, p, i in ${JSON.stringify(entries)})
os.setxattr(sys.argv[1], '${CARRIED.join("', acl); os.setxattr(sys.argv[1], '")}', b'hand')`;
  const run = spawnSync('python3', ['-c', script, root.at(path)], { encoding: 'utf8' });
  expect(run.stderr).toBe('');
}
function carried(path = CONF): string[] {
  const script = 'import os, sys; print("\\n".join(sorted(os.listxattr(sys.argv[1]))))';
  const { stdout } = spawnSync('python3', ['-c', script, root.at(path)], { encoding: 'utf8' });
  return stdout.split('\n').filter((name) => CARRIED.includes(name));
}
/** As `citadel-rollback` on the host does. */
function back(generation: number): void {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, 'to', String(generation), '--yes'], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect([run.status, run.stderr], run.stdout).toEqual([0, '']);
}

describe('a file that becomes a block', () => {
  it('carries the ACL and the attributes of the file that stood there before, here and on the way back', async () => {
    root.write(CONF, 'theirs\n');
    carry();
    await apply(asBlock());
    expect(carried()).toEqual(CARRIED);
    await apply(asFile('ours\n'));
    expect(carried()).toEqual([]);
    await apply(asBlock());
    expect([text(), carried()]).toEqual([`theirs\n${BLOCK}`, CARRIED]);
    back(2);
    expect(carried()).toEqual([]);
    back(3);
    expect([text(), carried()]).toEqual([`theirs\n${BLOCK}`, CARRIED]);
    await apply(EMPTY);
    expect([text(), carried()]).toEqual(['theirs\n', CARRIED]);
  });

  const secret = asFile('password=@@secret:pw@@\n');

  it('leaves nothing of itself in the file, which is that of before with the block in it', async () => {
    root.write(CONF, 'theirs\n');
    chmodSync(root.at(CONF), 0o640);
    await apply(secret, { pw: 'planted-4711' });
    const plan = await root.plan(asBlock());
    expect(plan.changes).toMatchObject([{ section: 'blocks', key: CONF, action: 'update', cause: 'config' }]);
    expect(plan.changes[0]?.diff).not.toContain('planted-4711');
    await apply(asBlock());
    expect([text(), mode()]).toEqual([`theirs\n${BLOCK}`, 0o640]);
    await apply(EMPTY);
    expect([text(), mode()]).toEqual(['theirs\n', 0o640]);
  });

  it('holds the block alone where nothing stood there before', async () => {
    await apply(secret, { pw: 'planted-4711' });
    await apply(asBlock());
    expect(text()).toBe(BLOCK);
  });

  it('was a link of ours', async () => {
    root.write(CONF, 'theirs\n');
    await apply({ ...EMPTY, symlinks: { [CONF]: { target: 'elsewhere' } } });
    await apply(asBlock());
    expect([lstatSync(root.at(CONF)).isFile(), text()]).toEqual([true, `theirs\n${BLOCK}`]);
  });

  it('stays as it is where no copy of before is kept, unless it holds a secret', async () => {
    root.write(CONF, 'theirs\n');
    await apply(asFile('ours\n'));
    root.shell('rm -r var/lib/citadel-iac/originals');
    await apply(asBlock());
    expect(text()).toBe(`ours\n${BLOCK}`);
    await apply(secret, { pw: 'planted-4711' });
    root.shell('rm -r var/lib/citadel-iac/originals');
    await apply(asBlock());
    expect(text()).toBe(BLOCK);
  });

  it('is refused, with what to do, where a link stood before', async () => {
    root.shell(`ln -s elsewhere etc/app.conf`);
    await apply(asFile('ours\n'));
    await expect(root.plan(asBlock())).rejects.toThrow(/symbolic link to elsewhere before it was managed/);
  });

  it('comes back as it was by an undo, whatever was done to the new file', async () => {
    root.write(CONF, 'theirs\n');
    await apply(asFile('ours\n'));
    const run = await root.runDirectly(await root.plan(asBlock()), withFault(failing('enable_units')));
    expect([run.outcome, text()]).toEqual(['rolled-back', 'ours\n']);
  });

  it('does so on the host as well', async () => {
    root.write(CONF, 'theirs\n');
    chmodSync(root.at(CONF), 0o640);
    await apply(asBlock());
    await apply(secret, { pw: 'planted-4711' });
    back(1);
    expect([text(), mode()]).toEqual([`theirs\n${BLOCK}`, 0o640]);
    expect((await root.plan(asBlock())).changes).toEqual([]);
  });
});

describe('a block that becomes a file', () => {
  it('leaves no block in what comes back when the file leaves', async () => {
    root.write(CONF, 'theirs\n');
    await apply(asBlock());
    root.write(CONF, `zero\n${text()}last\n`);
    await apply(asFile('ours\n'));
    await apply(EMPTY);
    expect(text()).toBe('zero\ntheirs\nlast\n');
  });

  it('does so on the host as well', async () => {
    root.write(CONF, 'theirs\n');
    await apply(asFile('ours\n'));
    await apply(asBlock());
    await apply(EMPTY);
    await apply(asBlock());
    back(1);
    expect(text()).toBe('ours\n');
    await apply(EMPTY);
    expect(text()).toBe('theirs\n');
  });
});

describe('a directory that stood there before us', () => {
  const DIR = '/srv/data';
  const managed = (access = '2750'): HostManifest => ({
    ...EMPTY,
    directories: { [DIR]: { owner: 'root', group: 'svc', mode: access } },
  });
  const owner = (): number[] => [statSync(root.at(DIR)).uid, statSync(root.at(DIR)).gid];
  beforeEach(() => root.shell('mkdir -p srv/data; chmod 1777 srv/data; chown 777:1234 srv/data'));

  it('gets its owner and mode back when it leaves, and never goes', async () => {
    await apply(managed());
    await apply(managed('0700'));
    expect(mode(DIR)).toBe(0o700);
    const { changes } = await root.plan(EMPTY);
    expect(changes).toMatchObject([
      {
        section: 'directories',
        key: DIR,
        action: 'update',
        cause: 'config',
        before: { mode: '0700' },
        after: { mode: '1777' },
        note: 'owner and mode go back to what they were before it was managed',
      },
    ]);
    await apply(EMPTY);
    expect([mode(DIR), owner()]).toEqual([0o1777, [777, 1234]]);
  });

  it('does so each time that it leaves, with what a person changed in between', async () => {
    await apply(managed());
    await apply(EMPTY);
    chmodSync(root.at(DIR), 0o711);
    await apply(managed());
    await apply(EMPTY);
    expect(mode(DIR)).toBe(0o711);
    root.shell('rmdir srv/data');
    await apply(managed());
    await apply(EMPTY);
    expect(existsSync(root.at(DIR))).toBe(false);
  });

  it('stays, with a note, where its owner and mode are those of before', async () => {
    await apply(managed());
    chmodSync(root.at(DIR), 0o1777);
    root.shell('chown 777:1234 srv/data');
    const { changes, notes } = await root.plan(EMPTY);
    expect([changes, notes]).toEqual([
      [],
      [`directory ${DIR} left the configuration and stays: it was there before it was managed`],
    ]);
  });

  it('comes back as it was managed by an undo', async () => {
    await apply(managed());
    const run = await root.runDirectly(await root.plan(EMPTY), withFault(failing('enable_units')));
    expect([run.outcome, mode(DIR), owner()]).toEqual(['rolled-back', 0o2750, [0, 778]]);
  });

  it('gets them back on the host as well', async () => {
    await apply({ ...EMPTY, directories: { '/srv/x': { ...own, mode: '0755' } } });
    await apply(managed());
    back(1);
    expect(mode(DIR)).toBe(0o1777);
  });

  it('comes back in the place of a file that took its place', async () => {
    const before = statSync(root.at(DIR));
    await apply({ ...EMPTY, files: { [DIR]: { content: 'ours\n', ...own } } });
    expect(statSync(root.at(DIR)).isFile()).toBe(true);
    await apply(EMPTY);
    const now = statSync(root.at(DIR));
    expect([now.isDirectory(), now.mode, now.uid]).toEqual([true, before.mode, before.uid]);
  });
});

describe('a path below a link of ours', () => {
  const CONF_BELOW = '/opt/app/conf';
  const link = (target: string, content?: string): HostManifest => ({
    ...EMPTY,
    symlinks: { '/opt/app': { target } },
    ...(content === undefined ? {} : { files: { [CONF_BELOW]: { content, ...own } } }),
  });
  const all = (): string[] => [text('/opt/v1/conf'), text('/opt/v2/conf')];
  beforeEach(() => {
    root.write('/opt/v1/conf', 'theirs 1\n');
    root.write('/opt/v2/conf', 'theirs 2\n');
  });

  it.each([
    ['with the link', [EMPTY]],
    ['before the link', [link('v1'), EMPTY]],
  ])('is what it was when it leaves %s', async (_when, steps) => {
    await apply(link('v1', 'ours\n'));
    expect(all()).toEqual(['ours\n', 'theirs 2\n']);
    for (const step of steps) await apply(step);
    expect([all(), existsSync(root.at('/opt/app'))]).toEqual([['theirs 1\n', 'theirs 2\n'], false]);
  });

  it('is what it was when the host goes back by itself', async () => {
    await apply(EMPTY);
    await apply(link('v1', 'ours\n'));
    back(1);
    expect(all()).toEqual(['theirs 1\n', 'theirs 2\n']);
  });

  it.each([
    ['stays', link('v2', 'ours\n')],
    ['changes', link('v2', 'other\n')],
    ['leaves', link('v2')],
  ])('that %s keeps the link from being led elsewhere, and the plan says what to do', async (_what, next) => {
    await apply(link('v1', 'ours\n'));
    await expect(root.plan(next)).rejects.toThrow(
      /\/opt\/app leads to v1 .* is to lead to v2, and \/opt\/app\/conf lies below it/,
    );
    await apply(link('v1'));
    await apply(link('v2'));
    await apply(link('v2', 'ours\n'));
    await apply(EMPTY);
    expect(all()).toEqual(['theirs 1\n', 'theirs 2\n']);
  });

  it('has nothing to do with what stood at the place of the link', async () => {
    root.shell('ln -s nowhere opt/app');
    await apply(link('v1'));
    await apply(link('v2'));
    root.shell('ln -sfn by-hand opt/app');
    await apply(link('v2'));
    await apply(EMPTY);
    expect(readlinkSync(root.at('/opt/app'))).toBe('nowhere');
  });
});

describe('after an undo that was given up with what is there now', () => {
  const secret = asFile('password=@@secret:pw@@\n');
  /** The first apply of the file fails, and so does putting back what was there. */
  async function acceptOurs(): Promise<void> {
    const fails = `${failing('await_confirmation')}\nrestore_class() { echo planted >"$DIR/words"; return 1; }
restore_gone() { [ ! -s "$SAVE.gone" ] || { rm -f "$SAVE.gone"; echo planted >"$DIR/words"; left path '${CONF}'; rr_status=1; }; }`;
    const run = await root.runDirectly(await root.plan(secret, { pw: 'planted-4711' }), withFault(fails));
    expect([run.outcome, text()], run.progress).toEqual(['undo-failed', 'password=planted-4711\n']);
    const { script } = RESOLVE_ACCEPT;
    const accept = spawnSync('/bin/sh', ['-c', script, 'sh', root.path], { input: `${run.id}\n` });
    expect([accept.stdout.toString(), accept.stderr.toString()]).toEqual(['accepted\n', '']);
  }

  it('what stood there before is what comes back when the file leaves', async () => {
    root.write(CONF, 'theirs\n');
    chmodSync(root.at(CONF), 0o600);
    await acceptOurs();
    await apply(secret, { pw: 'planted-4711' });
    await apply(EMPTY);
    expect([text(), mode()]).toEqual(['theirs\n', 0o600]);
  });

  it('the file goes when it leaves where nothing stood there before', async () => {
    await acceptOurs();
    await apply(asFile('no secret\n'));
    await apply(EMPTY);
    expect(existsSync(root.at(CONF))).toBe(false);
  });

  it('what a person made of it in between is what stood there before', async () => {
    root.write(CONF, 'theirs\n');
    await acceptOurs();
    root.write(CONF, 'by hand\n');
    await apply(asFile('ours\n'));
    await apply(EMPTY);
    expect(text()).toBe('by hand\n');
  });

  it('the host goes back by itself to the same', async () => {
    root.write(CONF, 'theirs\n');
    await apply(EMPTY);
    await acceptOurs();
    await apply(asFile('ours\n'));
    back(1);
    expect(text()).toBe('theirs\n');
    root.shell('rm etc/app.conf');
    await acceptOurs();
    await apply(asFile('ours\n'));
    back(3);
    expect(existsSync(root.at(CONF))).toBe(false);
  });
});
