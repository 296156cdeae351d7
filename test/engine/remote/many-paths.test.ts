import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { atCommand, failingState, withFault } from '../support/faults.js';
import { OfflineRoot } from '../support/offline-root.js';

/** Each command is a process, and processes are what a transaction's time goes to: their number must not grow with the paths. */
let root: OfflineRoot;
let folder: string;
beforeEach(() => {
  root = new OfflineRoot();
  folder = mkdtempSync(join(tmpdir(), 'count-'));
});
afterEach(() => {
  root.remove();
  rmSync(folder, { recursive: true });
});

const EMPTY: HostManifest = { version: 1, host: 'box' };
const owner = { owner: 'svc', group: 'svc' };
const many = (count: number): HostManifest => ({
  ...EMPTY,
  directories: Object.fromEntries(
    ['/opt/m', ...Array.from({ length: count }, (_, n) => `/opt/m/d${String(n)}`)].map((path) => [
      path,
      { ...owner, mode: '2750' },
    ]),
  ),
  files: Object.fromEntries(
    Array.from({ length: count }, (_, n) => [
      `/opt/m/f${String(n)}`,
      { content: `text ${String(n)}\n`, ...owner, mode: '0640' },
    ]),
  ),
});

/** How many commands the transaction's own shell ran. */
async function commands(manifest: HostManifest, ...faults: string[]): Promise<number> {
  const counter = join(folder, 'counter');
  const script = withFault([atCommand(1e9, 'fail', counter), ...faults].join('\n'));
  const run = await root.runDirectly(await root.plan(manifest), script);
  expect([run.outcome, run.stderr]).toEqual([faults.length === 0 ? 'committed' : 'rolled-back', '']);
  return statSync(counter).size;
}

it('puts, changes, takes back and removes many files with as many processes as few', async () => {
  const counts: number[][] = [];
  for (const count of [5, 60]) {
    const undone = await commands(many(count), failingState('committed'));
    const first = await commands(many(count));
    expect(readFileSync(root.at('/opt/m/f4'), 'utf8')).toBe('text 4\n');
    expect(statSync(root.at('/opt/m/d4')).mode & 0o7777).toBe(0o2750);
    const { directories, files } = many(count);
    const removed = await commands({ ...EMPTY, directories: directories ?? {} });
    const again = await commands({ ...EMPTY, directories: directories ?? {}, files: files ?? {} });
    expect((await root.plan(many(count))).changes).toEqual([]);
    await commands(EMPTY);
    counts.push([undone, first, removed, again]);
  }
  const [few, lots] = counts as [number[], number[]];
  // Directories are removed one by one, in the undo as well.
  lots.forEach((count, index) => expect(count - (few[index] ?? 0)).toBeLessThan(index === 0 ? 80 : 20));
});
