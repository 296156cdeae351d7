import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a folder, and those above it.
 *
 * Node's own `recursive` is not used: where a file system answers ENOENT below a folder that is there, as /proc does, it
 * tries for ever.
 *
 * @param path absolute
 * @param mode of every folder that is made
 * @throws the system's error when it cannot be made
 */
export function makeFolder(path: string, mode?: number): void {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) return;
  const parent = dirname(path);
  if (parent !== path) makeFolder(parent, mode);
  mkdirSync(path, mode === undefined ? {} : { mode });
}
