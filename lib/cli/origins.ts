import { dirname, join } from 'node:path';
import { displayPath, originsOf, type LoadedInventory, type Origin } from '../inventory/index.js';

/** What a host has, each value with the place where it is written, as an editor opens it from `cwd`. */
export function originsFrom(cwd: string, loaded: LoadedInventory, host: string): Origin[] {
  const { folder, inventory } = loaded;
  return originsOf(loaded, host).map((origin) => {
    if (origin.at === undefined) return origin;
    const from = origin.of.kind === 'targets' ? dirname(inventory.source.targetsFile?.path ?? '') : folder;
    return { ...origin, at: displayPath(join(from, origin.at), cwd) };
  });
}
