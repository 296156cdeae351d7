import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { applyPlan, openTransport, planHost, systemDeps } from '../../../lib/engine/index.js';
import type { HostManifest } from '../../../lib/manifest/index.js';
import { ACCOUNT_FILES } from './account-root.js';
import { treeDifferences, treeFingerprint, type TreeFingerprint } from './tree-fingerprint.js';

/** Documents of `document-world.ts` applied to a directory, and what that makes of it. */

export const TOKEN = 'a value\nof two lines';

/** Applies a document, after which nothing may be left to do. */
export async function applyAt(
  path: string,
  manifest: HostManifest,
  step: string,
  { token = TOKEN, keep }: { readonly token?: string; readonly keep?: number } = {},
): Promise<void> {
  const transport = await openTransport({ root: path }, { host: 'box', home: path, agentSocket: undefined });
  const secrets = { resolve: () => Promise.resolve(token) };
  const plan = await planHost(transport, manifest, secrets);
  const settings = { who: 'test@here', ...(keep === undefined ? {} : { retention: { keep } }) };
  const result = await applyPlan(transport, plan, settings, systemDeps);
  expect(['committed', 'unchanged'], `${step}: ${JSON.stringify(result)}`).toContain(result.outcome);
  const again = await planHost(transport, manifest, secrets);
  expect(again.changes, `${step}: there is nothing left to do`).toEqual([]);
}

/** As `citadel-rollback to N` on the host. */
export function goTo(path: string, generation: number): void {
  const program = `${path}/var/lib/citadel-iac/current/bin/back.sh`;
  const run = spawnSync('/bin/sh', [program, path, 'to', String(generation), '--yes'], { encoding: 'utf8' });
  expect([run.status, run.stderr], `to ${String(generation)} on the host: ${run.stdout}`).toEqual([0, '']);
}

/** The host as what counts of it: times do not, nor the order of accounts, nor homes, which stay when a user goes. */
export async function stateOf(path: string): Promise<TreeFingerprint> {
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

export async function expectState(path: string, wanted: TreeFingerprint, step: string): Promise<void> {
  expect(treeDifferences(wanted, await stateOf(path)), step).toEqual([]);
}
