import { cpSync, mkdirSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';

export const PROJECT = join(import.meta.dirname, '../..');
/** Kept out of git. */
export const WORK = join(PROJECT, '.tmp-mutation');

const LEFT: ReadonlySet<string> = new Set([
  'node_modules',
  '.git',
  '.citadel',
  'cdktf.out',
  'dist',
  'rendered',
]);

/** A copy of the repository whose files can be made faulty while people go on working. */
export function copyRepository(target: string): void {
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  for (const name of readdirSync(PROJECT)) {
    if (LEFT.has(name) || name.startsWith('.tmp-')) continue;
    cpSync(join(PROJECT, name), join(target, name), { recursive: true, verbatimSymlinks: true });
  }
  symlinkSync(join(PROJECT, 'node_modules'), join(target, 'node_modules'));
}
