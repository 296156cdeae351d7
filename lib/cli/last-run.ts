import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Inventory } from '../inventory/index.js';
import type { Shell } from './shell.js';

const runSchema = z.object({
  version: z.literal(1),
  /** Host names: where the last apply failed, and where it did not begin. */
  failed: z.array(z.string()),
  notBegun: z.array(z.string()),
});

/** How the last apply of an inventory ended; names of hosts, and nothing else. */
export type LastRun = Readonly<Record<'failed' | 'notBegun', readonly string[]>>;

/**
 * The file that remembers the last apply of an inventory, in `$XDG_STATE_HOME/citadel-iac/runs` of this person; `undefined`
 * where there is no home directory.
 */
export function lastRunFile(shell: Pick<Shell, 'env' | 'cwd'>, { source }: Inventory): string | undefined {
  const { XDG_STATE_HOME: state, HOME: home } = shell.env;
  const base =
    state !== undefined && state.startsWith('/')
      ? state
      : home !== undefined && home.startsWith('/')
        ? join(home, '.local/state')
        : undefined;
  if (base === undefined) return undefined;
  const name = createHash('sha256').update(resolve(shell.cwd, source.file)).digest('hex').slice(0, 16);
  return join(base, 'citadel-iac/runs', `${name}.json`);
}

/** `undefined` where nothing was applied yet, or what stands there is not ours. */
export function readLastRun(shell: Pick<Shell, 'env' | 'cwd'>, inventory: Inventory): LastRun | undefined {
  const file = lastRunFile(shell, inventory);
  if (file === undefined) return undefined;
  try {
    return runSchema.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch {
    return undefined;
  }
}

/**
 * Remembers how a run ended; what is known of hosts that it was not about stays.
 *
 * Never fails: what cannot be remembered is asked for by name the next time.
 */
export function writeLastRun(
  shell: Pick<Shell, 'env' | 'cwd'>,
  inventory: Inventory,
  run: LastRun & { readonly done: readonly string[] },
): void {
  const file = lastRunFile(shell, inventory);
  if (file === undefined) return;
  const before = readLastRun(shell, inventory) ?? { failed: [], notBegun: [] };
  const here = new Set([...run.done, ...run.failed, ...run.notBegun]);
  const stays = (host: string): boolean => !here.has(host) && Object.hasOwn(inventory.hosts, host);
  const failed = [...new Set([...before.failed.filter(stays), ...run.failed])].sort();
  const notBegun = [...new Set([...before.notBegun.filter(stays), ...run.notBegun])].sort();
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    const draft = `${file}.${String(process.pid)}`;
    writeFileSync(draft, `${JSON.stringify({ version: 1, failed, notBegun })}\n`, { mode: 0o600 });
    renameSync(draft, file);
  } catch {
    // A home directory that is read-only is no reason to fail after the work is done.
  }
}
