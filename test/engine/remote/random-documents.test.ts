import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { applyPlan, openTransport, planHost, systemDeps } from '../../../lib/engine/index.js';
import { validateManifest, type HostManifest } from '../../../lib/manifest/index.js';
import { documentOver, plantHost } from '../support/document-world.js';
import { OfflineRoot } from '../support/offline-root.js';
import { Draw } from '../support/random-world.js';
import { ACCOUNT_FILES } from '../support/account-root.js';
import { treeDifferences, treeFingerprint, type TreeFingerprint } from '../support/tree-fingerprint.js';

/**
 * One document after another on a host with a history, there and back, and then none: each time the host is what it was.
 * `npm run check:long documents` runs many more than these.
 */
const RUNS = Number(process.env['CITADEL_DOCUMENT_RUNS'] ?? 12);
const SEED = Number(process.env['CITADEL_SEED'] ?? 1);
const PER_TEST = 4;
const SECRETS: Readonly<Record<string, string>> = { token: 'a value\nof two lines' };
const EMPTY: HostManifest = { version: 1, host: 'box' };

async function applyAt(path: string, manifest: HostManifest, step: string): Promise<void> {
  const transport = await openTransport({ root: path }, { host: 'box', home: path, agentSocket: undefined });
  const secrets = { resolve: (name: string) => Promise.resolve(SECRETS[name] ?? '') };
  const plan = await planHost(transport, manifest, secrets);
  const result = await applyPlan(transport, plan, { who: 'test@here' }, systemDeps);
  expect(['committed', 'unchanged'], `${step}: ${JSON.stringify(result)}`).toContain(result.outcome);
  const again = await planHost(transport, manifest, secrets);
  expect(again.changes, `${step}: there is nothing left to do`).toEqual([]);
}

/** The host as what counts of it: times do not, nor the order of accounts, nor homes, which stay when a user goes. */
async function stateOf(path: string): Promise<TreeFingerprint> {
  const without = [
    ...ACCOUNT_FILES.flatMap((file) => [file, `${file}-`]),
    '/home/bea',
    '/home/other',
    '/home/elsewhere',
  ];
  const tree = new Map(await treeFingerprint(path, { untimed: ['/'], without }));
  // A document says nothing of a link's owner: it is that of the directory's group where that is inherited.
  for (const [name, text] of tree)
    tree.set(name, text.replace(/^\["symlink","777",\d+,\d+/, '["symlink","777"'));
  for (const file of ACCOUNT_FILES) {
    const lines = readFileSync(`${path}${file}`, 'utf8').trim().split('\n');
    for (const line of lines) {
      const fields = line.split(':');
      if (/group|gshadow/.test(file)) fields.push((fields.pop() ?? '').split(',').sort().join(','));
      tree.set(`${file} ${fields[0] ?? ''}`, fields.join(':'));
    }
  }
  return tree;
}

async function expectState(path: string, wanted: TreeFingerprint, step: string): Promise<void> {
  expect(treeDifferences(wanted, await stateOf(path)), step).toEqual([]);
}

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
    const program = `${twin}/var/lib/citadel-iac/current/bin/back.sh`;
    const run = spawnSync('/bin/sh', [program, twin, 'to', String(generation), '--yes'], {
      encoding: 'utf8',
    });
    expect([run.status, run.stderr], `to A on the host: ${run.stdout}`).toEqual([0, '']);
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
