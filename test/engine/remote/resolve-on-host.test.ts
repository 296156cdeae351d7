import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { before, keepReal, killing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** What ends an open transaction at the host's own console, on a directory that stands for a host. */
const own = { owner: 'root', group: 'root', mode: '0644' } as const;
const files = (content: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: Object.fromEntries(['a', 'b', 'c'].map((name) => [`/etc/${name}`, { content, ...own }])),
});

let root: OfflineRoot;
beforeEach(async () => {
  root = new OfflineRoot();
  await root.apply(files('old\n'));
});
afterEach(() => root.remove());

const base = (path = ''): string => root.at(`/var/lib/citadel-iac${path}`);
const contents = (): string[] =>
  ['a', 'b', 'c'].map((name) => readFileSync(root.at(`/etc/${name}`), 'utf8').trim());
const isOpen = (): boolean => readdirSync(base()).includes('open');
const free = (): void => rmSync(root.at('/stuck'));

interface Said {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}
function sh(program: string, ...words: readonly string[]): Said {
  const run = spawnSync('/bin/sh', [program, root.path, ...words], { encoding: 'utf8', input: '' });
  return { code: run.status, out: run.stdout, err: run.stderr };
}
/** As `citadel-rollback resolve` does it. */
const resolve = (...words: readonly string[]): Said =>
  sh(base(`/${isOpen() ? 'open' : 'current'}/bin/back.sh`), 'resolve', ...words);
/** As docs/operations.md says that a person does it where nothing of ours is left but this. */
const recover = (): Said => sh(base('/open/bin/tx.sh'), 'recover');

/** /etc/b is new when a step fails, and cannot be put back while /stuck is there. */
async function leaveSomething(): Promise<void> {
  root.write('/stuck', '');
  const stuck = `${keepReal('restore_one')}
restore_one() {
  [ "$1" != /etc/b ] || [ ! -e '${root.at('/stuck')}' ] || { echo 'rm: /etc/b: it is stuck' >"$DIR/words"; return 1; }
  real_restore_one "$@"
}`;
  const result = await root.apply(
    files('new\n'),
    withFault(`${stuck}\n${before('await_confirmation', 'echo planted >"$DIR/words"; return 1')}`),
  );
  expect(result.outcome).toBe('undo-failed');
  expect(contents()).toEqual(['old', 'new', 'old']);
}

describe('citadel-rollback resolve', () => {
  it('says that there is nothing to resolve', () => {
    expect(resolve()).toEqual({ code: 0, out: 'Nothing to resolve. No transaction is open.\n', err: '' });
    expect(JSON.parse(resolve('--json').out)).toEqual({ open: null, left: [] });
    expect(resolve('--accept', '--yes').code).toBe(0);
  });

  it('shows what an undo left, what stands there now and what ends it, and changes nothing', async () => {
    await leaveSomething();
    const shown = resolve();
    expect([shown.code, shown.err]).toEqual([1, '']);
    expect(shown.out).toMatch(
      /^Could not undo a transaction of test@here from \d{4}-\S+ \([0-9a-f-]+\):\n {2}- \/etc\/b: it is stuck\n {6}now: {4}file 0644 \S+, 4 bytes, as that transaction put it\n {6}before: \S.*\/undo\/a\.tree\/etc\/b\n {2}citadel-rollback resolve --retry .*\n {2}citadel-rollback resolve --accept .*\n$/,
    );
    expect(JSON.parse(resolve('--json').out)).toMatchObject({
      open: { who: 'test@here', state: 'undo-failed' },
      left: [{ kind: 'path', item: '/etc/b', reason: 'it is stuck', whose: 'transaction' }],
    });
    for (const how of ['--retry', '--accept']) {
      const asked = resolve(how);
      expect([asked.code, asked.err]).toEqual([2, expect.stringContaining('Say --yes') as string]);
      expect(resolve(how, '--dry-run', '--yes').out).toContain(`/etc/b: it is stuck`);
      expect(JSON.parse(resolve(how, '--dry-run', '--json').out)).toMatchObject({ would: how.slice(2) });
    }
    expect(resolve('--retry', '--accept').code).toBe(2);
    expect([isOpen(), contents()]).toEqual([true, ['old', 'new', 'old']]);
  });

  it('tries again, says what is still left, and puts it back once it can be', async () => {
    await leaveSomething();
    const again = resolve('--retry', '--yes');
    expect(again).toMatchObject({ code: 1, out: expect.stringContaining('/etc/b: it is stuck') as string });
    const json = resolve('--retry', '--yes', '--json');
    expect([json.code, JSON.parse(json.out)]).toMatchObject([1, { left: [{ item: '/etc/b' }] }]);
    free();
    const done = resolve('--retry', '--yes');
    expect([done.code, isOpen(), contents()]).toEqual([0, false, ['old', 'old', 'old']]);
    expect(done.out).toContain('Done: it is undone. The host is at generation 1.');
    expect(done.out).toContain('undone: This host is at a whole generation again.');
    expect(root.leftovers()).toEqual([]);
  });

  it('goes on with what is there now, and keeps the copy of before', async () => {
    await leaveSomething();
    const done = resolve('--accept', '--yes', '--json');
    expect([done.code, JSON.parse(done.out)]).toMatchObject([0, { outcome: 'accepted' }]);
    const kept = readdirSync(base('/kept'))[0] ?? '';
    expect(done.out).toContain(`kept/${kept}/tree`);
    expect(readFileSync(join(base('/kept'), kept, 'tree/etc/b'), 'utf8')).toBe('old\n');
    expect([isOpen(), contents(), root.leftovers()]).toEqual([false, ['old', 'new', 'old'], []]);
    expect((await root.apply(files('newer\n'))).outcome).toBe('committed');
  });

  it('has nothing to accept of what nothing has tried to undo, and ends that by --retry', async () => {
    await root.runDirectly(await root.plan(files('new\n')), withFault(killing('put_path', 2)));
    // Staged by hand, it has no program for the host; the one of the current generation serves.
    const program = base('/current/bin/back.sh');
    expect(sh(program, 'resolve').out).toContain('was interrupted (switching)');
    expect(sh(program, 'resolve', '--accept', '--yes')).toMatchObject({
      code: 1,
      err: expect.stringContaining('citadel-rollback resolve --retry') as string,
    });
    expect(sh(program, 'resolve', '--retry', '--yes').code).toBe(0);
    expect([isOpen(), contents()]).toEqual([false, ['old', 'old', 'old']]);
  });

  it('waits for nobody: another run is named, with status 75', async () => {
    await leaveSomething();
    const holder = spawn('flock', [base('/lock'), 'cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
    holder.stdin.write('held\n');
    await new Promise((held) => holder.stdout.once('data', held));
    try {
      for (const words of [[], ['--retry', '--yes'], ['--accept', '--yes']])
        expect(resolve(...words)).toMatchObject({
          code: 75,
          out: '',
          err: expect.stringContaining('test@here') as string,
        });
    } finally {
      holder.stdin.end();
    }
  });
});

describe('recover at the console', () => {
  it.each([
    [
      'while it was switching',
      killing('await_confirmation'),
      'Done: it is undone. The host is at generation 1.',
    ],
    ['before it changed anything', killing('save_paths'), 'Done: it had changed nothing.'],
    [
      'when all was in place',
      killing('commit'),
      'Done: all of it was in place already. The host is at generation 2.',
    ],
  ])('of a transaction that died %s', async (_name, fault, words) => {
    const { id } = await root.runDirectly(await root.plan(files('new\n')), withFault(fault));
    const program = base('/open/bin/tx.sh');
    const text = readFileSync(base('/current/bin/tx.sh'), 'utf8');
    root.write(`/var/lib/citadel-iac/staging/${id}/bin/tx.sh`, text);
    const said = sh(program, 'recover');
    expect([said.code, said.err, isOpen()]).toEqual([0, '', false]);
    expect(said.out).toContain(`The transaction ${id}, of test@here, is ended:\n`);
    expect(said.out).toContain('  recovering: the transaction was interrupted while ');
    expect(said.out.trimEnd().split('\n').at(-1)).toContain(words);
  });

  it('names what it could not undo, what to do, and fails', async () => {
    await leaveSomething();
    const said = recover();
    expect([said.code, isOpen()]).toEqual([1, true]);
    expect(said.out).toContain('  could not be undone: /etc/b: it is stuck\n');
    expect(said.out).toMatch(/NOT ended: .*run this again/);
    free();
    expect(recover()).toMatchObject({
      code: 0,
      out: expect.stringContaining('/etc/b is put back now') as string,
    });
    expect(contents()).toEqual(['old', 'old', 'old']);
  });

  it('says that there is nothing to end, and leaves nothing of itself', () => {
    const program = base('/current/bin/tx.sh');
    expect(sh(program, 'recover')).toEqual({
      code: 0,
      out: 'No transaction is open: there is nothing to end. The host is at generation 1.\n',
      err: '',
    });
    expect(existsSync(base('/words'))).toBe(false);
    expect(sh(program)).toMatchObject({ code: 2, err: expect.stringContaining('recover') as string });
  });
});
