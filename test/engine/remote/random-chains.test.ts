import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { validateManifest, type HostManifest } from '../../../lib/manifest/index.js';
import { applyAt, expectState, goTo, stateOf } from '../support/document-state.js';
import { documentOver, plantHost } from '../support/document-world.js';
import { OfflineRoot } from '../support/offline-root.js';
import { Draw } from '../support/random-world.js';

/**
 * A host with many generations: secrets change, a person edits, some generations are pinned and others pruned. Then to each
 * that is kept: what the host does by itself is what an apply of that generation's document does.
 * `npm run check:long chains` runs longer chains than this.
 */
const RUNS = Number(process.env['CITADEL_CHAIN_RUNS'] ?? 1);
const LENGTH = Number(process.env['CITADEL_CHAIN_LENGTH'] ?? 8);
const SEED = Number(process.env['CITADEL_SEED'] ?? 1);
/** Generations that stay without a pin. */
const KEEP = Math.max(3, Math.ceil(LENGTH / 3));

const EDITED = [
  '/etc/hosts',
  '/etc/hand.conf',
  '/etc/new.conf',
  '/etc/pkg/main.conf',
  '/opt/hand/notes with spaces',
  '/opt/hand/set',
  '/srv/real/conf',
  '/etc/fstab',
];

/** A person writes a line at the end of a file, or gives it another mode. */
function edit(root: OfflineRoot, draw: Draw): string {
  const path = draw.of(EDITED);
  const action = draw.of([`echo '# by hand' >>`, 'chmod 0604']);
  if (!existsSync(root.at(path)) || !lstatSync(root.at(path)).isFile()) return '';
  root.shell(`${action} '.${path}'`);
  return `${action} ${path}`;
}

async function oneChain(seed: number): Promise<void> {
  const draw = new Draw(seed);
  const root = new OfflineRoot();
  const folder = mkdtempSync(join(tmpdir(), 'citadel twins '));
  const said: string[] = [];
  const documents = new Map<number, HostManifest>();
  const values = new Map<number, string>();
  try {
    plantHost(root);
    for (let n = 1; n <= LENGTH; n += 1) {
      const document = validateManifest(documentOver(draw));
      const token = `value ${String(draw.below(5))}`;
      await applyAt(root.path, document, `apply ${String(n)} after ${said.join('; ')}`, {
        token,
        keep: KEEP,
      });
      documents.set(root.generation ?? 0, document);
      if (JSON.stringify(document).includes('@@secret:')) values.set(root.generation ?? 0, token);
      if (draw.chance(25))
        root.write(`/var/lib/citadel-iac/generations/${String(root.generation)}/pinned`, '');
      if (draw.chance(60)) said.push(edit(root, draw));
    }
    const kept = readdirSync(root.at('/var/lib/citadel-iac/generations')).map(Number);
    expect(kept.length).toBeLessThan(LENGTH);
    kept.sort((a, b) => a - b);
    // The newest value that is kept.
    const token =
      kept.map((generation) => values.get(generation)).findLast((value) => value !== undefined) ?? '';
    for (const generation of kept) {
      const [alone, told] = [join(folder, 'alone'), join(folder, 'told')];
      for (const twin of [alone, told]) expect(spawnSync('cp', ['-aT', root.path, twin]).status).toBe(0);
      const document = documents.get(generation);
      if (document === undefined) throw new Error(`generation ${String(generation)} is of no document`);
      const step = `generation ${String(generation)} of ${kept.join(' ')}; ${said.join('; ')}`;
      await applyAt(told, document, step, { token });
      goTo(alone, generation);
      await expectState(alone, await stateOf(told), step);
      rmSync(alone, { recursive: true });
      rmSync(told, { recursive: true });
    }
  } finally {
    root.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

it('goes to each generation of a long chain as an apply of its document does', async () => {
  const failures: string[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const again = `CITADEL_CHAIN_RUNS=1 CITADEL_CHAIN_LENGTH=${String(LENGTH)} CITADEL_SEED=${String(SEED + run)}`;
    await oneChain(SEED + run).catch((error: unknown) => {
      const differences = JSON.stringify((error as { actual?: unknown }).actual, null, 1);
      failures.push(`${again}: ${String(error)}\n${differences}`);
    });
  }
  expect(failures.join('\n\n')).toBe('');
}, 3_600_000);
