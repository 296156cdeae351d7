import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { applyPlan, systemDeps } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, killingAfterState, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What is not to be on a host, on a directory that stands for one, by the real engine and the real scripts. */
const EMPTY: HostManifest = { version: 1, host: 'box' };
const LINK = '/etc/nginx/sites-enabled/default';
const FILE = '/etc/welcome.conf';
const FOLDER = '/srv/old';
const INSIDE = `${FOLDER}/left.txt`;
const own = { owner: 'root', group: 'root', mode: '0644' };
const without = (paths: Record<string, 'file' | 'directory'>): HostManifest => ({
  ...EMPTY,
  absentPaths: Object.fromEntries(Object.entries(paths).map(([path, kind]) => [path, { kind }])),
  origins: Object.fromEntries(Object.keys(paths).map((path) => [`absentPaths/${path}`, `box${path}`])),
});
const ALL = without({ [LINK]: 'file', [FILE]: 'file', [FOLDER]: 'directory', [INSIDE]: 'file' });

let root: OfflineRoot;
beforeEach(() => {
  root = new OfflineRoot();
  root.write(FILE, 'theirs\n');
  chmodSync(root.at(FILE), 0o640);
  root.shell('chown 777:778 etc/welcome.conf; mkdir -p etc/nginx/sites-enabled');
  root.shell('ln -s /etc/nginx/sites-available/default etc/nginx/sites-enabled/default');
  mkdirSync(root.at(FOLDER), { recursive: true });
  root.shell('chmod 2750 srv/old; chown 777:778 srv/old; echo left >srv/old/left.txt');
});
afterEach(() => root.remove());

const all = [LINK, FILE, FOLDER, INSIDE];
const there = (): string[] => all.filter((path) => lstatSync(root.at(path), { throwIfNoEntry: false }));
function state(): unknown[] {
  const file = statSync(root.at(FILE));
  const folder = statSync(root.at(FOLDER));
  return [
    readlinkSync(root.at(LINK)),
    [readFileSync(root.at(FILE), 'utf8'), file.mode, file.uid, file.gid],
    [folder.mode, folder.uid, folder.gid, readFileSync(root.at(INSIDE), 'utf8')],
  ];
}
async function apply(manifest: HostManifest): Promise<void> {
  const plan = await root.plan(manifest);
  const result = await applyPlan(await root.transport(), plan, { who: 'test@here' }, systemDeps);
  expect(result.outcome, JSON.stringify(result)).toBe('committed');
  expect((await root.plan(manifest)).changes).toEqual([]);
}
/** `citadel-rollback` on the host. */
function onHost(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, ...words], { encoding: 'utf8', timeout: 60_000 });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

describe('what is to be absent', () => {
  it('goes, by a plan that shows what it was, and comes back when the declaration goes', async () => {
    const before = state();
    const { changes } = await root.plan(ALL);
    expect(changes).toMatchObject([
      { section: 'directories', key: FOLDER, before: { mode: '2750' }, origin: `box${FOLDER}` },
      { section: 'files', key: FILE, before: { owner: 'svc', mode: '0640' }, diff: expect.stringContaining('-theirs') as string }, // prettier-ignore
      { section: 'files', key: INSIDE },
      { section: 'symlinks', key: LINK, before: { target: '/etc/nginx/sites-available/default' } },
    ]);
    for (const change of changes)
      expect(change).toMatchObject({ action: 'delete', cause: 'config', after: { state: 'absent' } });
    await apply(ALL);
    expect(there()).toEqual([]);
    await apply(EMPTY);
    expect(state()).toEqual(before);
  });

  it.each(['enable_units', 'prove_host'])('is as before after an undo from a failing %s', async (step) => {
    const before = state();
    const run = await root.runDirectly(await root.plan(ALL), withFault(failing(step)));
    expect([run.outcome, run.stderr, state()], run.progress).toEqual(['rolled-back', '', before]);
    expect(root.leftovers()).toEqual([]);
  });

  it('is proven: a directory that something came into meanwhile fails the apply', async () => {
    const before = state();
    const meanwhile = 'drop_directory() { say note "stays"; }';
    const run = await root.runDirectly(await root.plan(ALL), withFault(meanwhile));
    expect([run.outcome, run.stderr, state()], run.progress).toEqual(['rolled-back', '', before]);
    expect(run.progress).toContain(`failure\x1fprove\x1f${FOLDER}\x1f`);
  });

  it('is as before after a power failure', async () => {
    const before = state();
    const run = await root.runDirectly(await root.plan(ALL), withFault(killingAfterState('switched')));
    expect(run.signal).toBe('SIGKILL');
    expect((await root.recoverCleanly(run.id)).outcome).toBe('rolled-back');
    expect(state()).toEqual(before);
  });

  it('is drift when it comes back, for the planner and for the host itself, and goes again', async () => {
    await apply(ALL);
    expect(onHost('drift')).toEqual({ code: 0, out: 'as generation 1 wants it\n', err: '' });
    root.write(FILE, 'again\n');
    mkdirSync(root.at(FOLDER));
    const { changes } = await root.plan(ALL);
    expect(changes.map(({ section, key, action, cause }) => [section, key, action, cause])).toEqual([
      ['directories', FOLDER, 'delete', 'drift'],
      ['files', FILE, 'delete', 'drift'],
    ]);
    const drift = onHost('drift', '--json');
    expect([drift.code, JSON.parse(drift.out)]).toEqual([
      1,
      {
        generation: 1,
        changes: [
          { section: 'directories', key: FOLDER, action: 'delete' },
          { section: 'files', key: FILE, action: 'delete' },
        ],
      },
    ]);
    const heal = onHost('to', '1', '--yes');
    expect([heal.code, heal.err, there()], heal.out).toEqual([0, '', []]);
    await apply(EMPTY);
    // As before the first declaration, and not as a person made it since.
    expect(readFileSync(root.at(FILE), 'utf8')).toBe('theirs\n');
  });

  it('is put back and taken away by the host alone', async () => {
    await apply(EMPTY);
    const before = state();
    await apply(ALL);
    const back = onHost('to', '1', '--yes');
    expect([back.code, back.err, state()], back.out).toEqual([0, '', before]);
    expect((await root.plan(EMPTY)).changes).toEqual([]);
    const again = onHost('to', '2', '--yes');
    expect([again.code, again.err, there()], again.out).toEqual([0, '', []]);
    expect((await root.plan(ALL)).changes).toEqual([]);
  });

  it('stays gone when the declaration goes and nothing stood there before', async () => {
    root.shell('rm -r srv/old etc/welcome.conf etc/nginx/sites-enabled/default');
    await apply(ALL);
    root.write(FILE, 'by hand\n');
    expect((await root.plan(EMPTY)).changes).toEqual([]);
    await apply(EMPTY);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe('by hand\n');
  });

  it('may have been ours before, and may become so: what stood there before us is not forgotten', async () => {
    const ours: HostManifest = { ...EMPTY, files: { [FILE]: { content: 'ours\n', ...own } } };
    await apply(ours);
    await apply(without({ [FILE]: 'file' }));
    expect(existsSync(root.at(FILE))).toBe(false);
    await apply(ours);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe('ours\n');
    const back = onHost('to', '2', '--yes');
    expect([back.code, back.err, existsSync(root.at(FILE))], back.out).toEqual([0, '', false]);
    await apply(EMPTY);
    expect(readFileSync(root.at(FILE), 'utf8')).toBe('theirs\n');
  });

  it('cannot be a directory that holds more, nor one of another kind', async () => {
    await expect(root.plan(without({ [FOLDER]: 'directory' }))).rejects.toThrow(
      `[box${FOLDER}] absentPaths["${FOLDER}"]: ${FOLDER} holds 1 entry that does not go with it, and only an empty directory can be taken away and put back. Look what it is (ls -la ${FOLDER}), and declare that absent as well, or take it away by hand.`,
    );
    await expect(root.plan(without({ [FOLDER]: 'file' }))).rejects.toThrow(
      `${FOLDER} is a directory on the host, and a file or link is to be absent there. Declare a Directory as absent, or look what it is.`,
    );
    await expect(root.plan(without({ [FILE]: 'directory' }))).rejects.toThrow(
      `${FILE} is no directory on the host, and a directory is to be absent there. Declare a HostFile as absent, or look what it is.`,
    );
  });
});
