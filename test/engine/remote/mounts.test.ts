import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

/**
 * DOUBLE of mount(8) and its like: what is mounted is a list of paths in a file, in the order in which it came. As the
 * kernel does, it keeps a mount that holds another one.
 */
const MOUNTS = `
LIST=$DIR/mounted-now
mountpoint() { grep -qxF -- "$3" "$LIST"; }
findmnt() { echo x; }
boot_id() { echo boot; }
mount_lines() { awk '{ print NR, 1, "0:1 /", $0, "rw - x x rw" }' "$LIST"; }
mount() {
  for mount_path in "$@"; do :; done
  echo "$mount_path" >>"$LIST"
}
umount() {
  if grep -q "^$2/" "$LIST"; then echo "$2: target is busy"; return 32; fi
  grep -vxF -- "$2" "$LIST" >"$LIST.new"
  mv "$LIST.new" "$LIST"
}`;

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-mounts-'));
  for (const folder of ['ops', 'undo']) mkdirSync(join(dir, folder));
  for (const list of ['mounts', 'umounts']) writeFileSync(join(dir, 'ops', list), '');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const m = (path: string): string => join(dir, 'm', path);

/** Runs functions of the real transaction on the double. @returns what is mounted then, without the folder's name */
function run(
  commands: string,
  mounted: readonly string[],
  lists: Partial<Record<'mounts' | 'umounts', string[]>>,
) {
  writeFileSync(join(dir, 'mounted-now'), mounted.map((path) => `${m(path)}\n`).join(''));
  for (const [name, paths] of Object.entries(lists))
    writeFileSync(join(dir, 'ops', name), paths.map((path) => `${m(path)}\n`).join(''));
  for (const path of ['a', 'a/b', 'a/b/c', 'z/a']) mkdirSync(m(path), { recursive: true });
  const script = withFault(`DIR='${dir}'${MOUNTS}\n${commands}\nexit\n`);
  const result = runText(script, ['']);
  const left = readFileSync(join(dir, 'mounted-now'), 'utf8').trim().split('\n').filter(Boolean);
  return {
    status: result.status,
    stderr: result.stderr.toString('utf8'),
    mounted: left.map((path) => path.slice(m('/').length)),
  };
}

describe('mounts within mounts', () => {
  it('go from the inside, and come back from the outside', () => {
    const lists = { umounts: ['a/b', 'a'] };
    const gone = run('save_mounts && unmount_leaving || exit 1', ['a', 'a/b'], lists);
    expect(gone).toEqual({ status: 0, stderr: '', mounted: [] });
    const back = run('undo_unmounted || exit 1', [], lists);
    expect(back).toEqual({ status: 0, stderr: '', mounted: ['a', 'a/b'] });
  });

  it('that were mounted are taken down by an undo, however deep', () => {
    const lists = { mounts: ['a', 'a/b', 'a/b/c'] };
    const up = run('save_mounts && mount_all || exit 1', [], lists);
    expect(up).toEqual({ status: 0, stderr: '', mounted: ['a', 'a/b', 'a/b/c'] });
    expect(run('undo_mounted; undo_unmounted || exit 1', up.mounted, lists)).toEqual({
      status: 0,
      stderr: '',
      mounted: [],
    });
  });

  it('that a boot has mounted from the new fstab are taken down as well', () => {
    const lists = { mounts: ['a', 'a/b', 'a/b/c'] };
    run('save_mounts || exit 1', [], lists);
    expect(run('undo_unmounted || exit 1', ['a', 'a/b', 'a/b/c'], lists).mounted).toEqual([]);
  });

  it('that are in use are named, with the reason', () => {
    const lists = { mounts: ['a', 'z/a'] };
    run('save_mounts || exit 1', [], lists);
    const busy = 'umount() { echo "umount: $2: target is busy." >&2; return 32; }';
    const result = run(`${busy}\nundo_mounted; undo_unmounted || exit 1`, ['a', 'z/a'], lists);
    expect(result).toEqual({ status: 1, stderr: '', mounted: ['a', 'z/a'] });
    const left = readFileSync(join(dir, 'undo/left.new'), 'utf8');
    expect(left).toBe(`mount\x1f${m('z/a')}\x1ftarget is busy.\nmount\x1f${m('a')}\x1ftarget is busy.\n`);
  });

  it('are not taken for others whose paths end alike', () => {
    writeFileSync(join(dir, 'ops/mounts'), `${m('z/a')}\n/a\n`);
    writeFileSync(join(dir, 'undo/mounts'), `${m('z/a')}\x1fx\x1fx\x1fx\n`);
    writeFileSync(join(dir, 'mounted-now'), `${m('z/a')}\n/a\n`);
    const script = withFault(`DIR='${dir}'${MOUNTS}\nundo_mounts_left || exit 1\nexit\n`);
    expect(runText(script, ['']).status).toBe(0);
    expect(readFileSync(join(dir, 'mounted-now'), 'utf8')).toBe(`${m('z/a')}\n`);
  });

  it('that bring a daemon with them do not keep the lock with it', () => {
    const [lock, pid] = [join(dir, 'lock'), join(dir, 'pid')];
    const daemon = `mount() { sleep 60 >/dev/null 2>&1 & echo $! >'${pid}'; echo "$2" >>"$LIST"; }`;
    run(`${daemon}\nexec 9>>'${lock}' && flock 9 && mount_all`, [], { mounts: ['a'] });
    expect(spawnSync('flock', ['-n', lock, 'true']).status).toBe(0);
    process.kill(Number(readFileSync(pid, 'utf8')));
  });
});
