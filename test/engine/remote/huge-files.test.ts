import { spawnSync } from 'node:child_process';
import { readFileSync, statSync, truncateSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { failing, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** A managed file in whose place someone puts one of 60 GiB, of which nothing is on the disk. */
const PATH = '/srv/model.bin';
const SIZE = 60 * 2 ** 30;
const doc = (content: string): HostManifest => ({
  version: 1,
  host: 'box',
  files: { [PATH]: { content, owner: 'root', group: 'root', mode: '0644' } },
});

let root: OfflineRoot;
beforeEach(async () => {
  root = new OfflineRoot();
  expect((await root.apply(doc('small\n'))).outcome).toBe('committed');
});
afterEach(() => root.remove());
const grow = (): void => truncateSync(root.at(PATH), SIZE);

it('is drift that is told with the sizes, without being read', async () => {
  const reads = (): number => Number(/^rchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'utf8'))?.[1] ?? 0);
  const before = reads();
  grow();
  const { changes } = await root.plan(doc('small\n'));
  // What child processes have read counts for their parent once they have ended.
  expect(reads() - before).toBeLessThan(2 ** 30);
  expect(changes).toMatchObject([
    {
      key: PATH,
      action: 'update',
      cause: 'drift',
      note: expect.stringMatching(`${String(SIZE)} bytes → 6 bytes`) as string,
    },
  ]);
});

it('is found by the host itself, and goes', async () => {
  grow();
  const program = root.at('/var/lib/citadel-iac/current/bin/back.sh');
  const run = spawnSync('/bin/sh', [program, root.path, 'drift'], { encoding: 'utf8' });
  expect([run.status, run.stderr, run.stdout]).toEqual([1, '', expect.stringContaining(PATH)]);
  expect((await root.apply(doc('small\n'))).outcome).toBe('committed');
  expect(readFileSync(root.at(PATH), 'utf8')).toBe('small\n');
});

it('comes back by an undo', async () => {
  grow();
  const run = await root.runDirectly(await root.plan(doc('new\n')), withFault(failing('enable_units')));
  expect([run.outcome, statSync(root.at(PATH)).size]).toEqual(['rolled-back', SIZE]);
  expect(statSync(root.at(PATH)).blocks).toBeLessThan(1000);
});

it('is refused when it changes after the plan', async () => {
  grow();
  const plan = await root.plan(doc('small\n'));
  truncateSync(root.at(PATH), SIZE + 1);
  expect((await root.runDirectly(plan)).outcome).toBe('conflict');
  expect(statSync(root.at(PATH)).size).toBe(SIZE + 1);
});

it('may hold no blocks', async () => {
  grow();
  await expect(root.plan({ version: 1, host: 'box', blocks: { [PATH]: { a: 'A\n' } } })).rejects.toThrow(
    /model\.bin could not be read: it is too large/,
  );
});
