import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Shell } from '../shell.js';

/** Numbers that the kernel has for file systems which live in memory: tmpfs and ramfs. */
const IN_MEMORY: readonly number[] = [0x01021994, 0x858458f6];

const PREFIX = 'citadel-iac-secrets-';

export interface PrivatePlace {
  /** Folders to try, the best first; those that are not in memory are passed over. Without any: the one for temporary files. */
  readonly places: readonly string[];
  /** Called with words when the file will stand on a disk. */
  readonly warn: (words: string) => void;
}

/**
 * Lends a file that no one else can read (0600 in a folder of 0700), in memory where this machine has such a place. It is
 * gone when the work ends, however it ends: done, failed, Ctrl-C, TERM, a closed terminal. What the editor left next to it
 * goes with it.
 */
export async function withPrivateFile<T>(
  name: string,
  text: string,
  { places, warn }: PrivatePlace,
  work: (path: string) => Promise<T>,
): Promise<T> {
  const base = places.find((path) => inMemory(path) && usable(path)) ?? tmpdir();
  const folder = mkdtempSync(join(base, PREFIX));
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  const hangUp = (): never => process.exit(129);
  process.on('exit', remove);
  process.on('SIGHUP', hangUp);
  try {
    if (!inMemory(folder)) warn(`there is no folder in memory here: while you edit, the text is in ${base}`);
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600, flag: 'wx' });
    return await work(path);
  } finally {
    remove();
    process.off('exit', remove);
    process.off('SIGHUP', hangUp);
  }
}

/** Where a desktop and a server have a folder in memory. */
export function memoryPlaces(env: Shell['env']): string[] {
  const own = env['XDG_RUNTIME_DIR'];
  return [...(own === undefined || own === '' ? [] : [own]), '/dev/shm'];
}

function usable(path: string): boolean {
  try {
    rmSync(mkdtempSync(join(path, PREFIX)), { recursive: true });
    return true;
  } catch {
    return false;
  }
}

function inMemory(path: string): boolean {
  try {
    return IN_MEMORY.includes(statfsSync(path).type);
  } catch {
    return false;
  }
}
