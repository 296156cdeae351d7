import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { validateManifest, type HostManifest } from '../../../lib/manifest/index.js';
import { documentOver, plantHost } from '../support/document-world.js';
import { applyAt, expectState, goTo, stateOf } from '../support/document-state.js';
import { OfflineRoot } from '../support/offline-root.js';
import { Draw } from '../support/random-world.js';

/**
 * One document after another on a host with a history, there and back, and then none: each time the host is what it was.
 * `npm run check:long documents` runs many more than these.
 */
const RUNS = Number(process.env['CITADEL_DOCUMENT_RUNS'] ?? 12);
const SEED = Number(process.env['CITADEL_SEED'] ?? 1);
const PER_TEST = 4;
const EMPTY: HostManifest = { version: 1, host: 'box' };
async function thereAndBack(a: HostManifest, b: HostManifest): Promise<void> {
  const root = new OfflineRoot();
  const twin = mkdtempSync(join(tmpdir(), 'citadel twin '));
  try {
    plantHost(root);
    const start = await stateOf(root.path);
    await applyAt(root.path, a, 'apply A');
    const atA = await stateOf(root.path);
    const generation = root.generation;
    await applyAt(root.path, b, 'apply B');
    expect(spawnSync('cp', ['-a', `${root.path}/.`, twin]).status).toBe(0);
    await applyAt(root.path, a, 'roll back to A');
    await expectState(root.path, atA, 'A after the rollback');
    goTo(twin, generation ?? 0);
    await expectState(twin, atA, 'A after "to N" on the host');
    await applyAt(root.path, EMPTY, 'apply the empty document');
    await expectState(root.path, start, 'the host without us');
    await applyAt(twin, EMPTY, 'apply the empty document after "to N"');
    await expectState(twin, start, 'the host without us, after "to N"');
  } finally {
    root.remove();
    rmSync(twin, { recursive: true, force: true });
  }
}

async function oneRun(seed: number): Promise<void> {
  const draw = new Draw(seed);
  const documents = [documentOver(draw), documentOver(draw)] as const;
  for (const document of documents) validateManifest(document);
  await thereAndBack(...documents).catch((error: unknown) => {
    const differences = JSON.stringify((error as { actual?: unknown }).actual, null, 1);
    throw new Error(
      `CITADEL_DOCUMENT_RUNS=1 CITADEL_SEED=${String(seed)}: ${String(error)}\n${differences}\n${JSON.stringify(documents)}`,
    );
  });
}

describe('a host with a history, under one document after another', () => {
  it.each(Array.from({ length: Math.ceil(RUNS / PER_TEST) }, (_, batch) => batch))(
    'is what it was, after the way back and without us: batch %i',
    async (batch) => {
      const failures: string[] = [];
      for (let run = batch * PER_TEST; run < Math.min(RUNS, (batch + 1) * PER_TEST); run += 1)
        await oneRun(SEED + run).catch((error: unknown) => failures.push(String(error)));
      expect(failures.join('\n\n')).toBe('');
    },
    900_000,
  );
});
