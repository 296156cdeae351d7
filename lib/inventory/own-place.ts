import { join } from 'node:path';
import type { LoadedInventory } from './load.js';
import { writtenAt } from './written.js';

/** Where a value of an inventory is to be written. */
export interface OwnPlace {
  /** Absolute. */
  readonly file: string;
  /** Keys inside that file. */
  readonly path: readonly string[];
}

/**
 * Where a value is written so that it is that of its host, and of no other host of a group that it may come from now: in what
 * the host itself says. A range of hosts says it for all of them.
 *
 * @param path from the root of the inventory, `hosts`, name, …
 */
export function ownPlace(
  { written, folder }: Pick<LoadedInventory, 'written' | 'folder'>,
  path: readonly string[],
): OwnPlace {
  const above = path[0] === 'hosts' ? path.slice(0, 2) : [];
  const { at } = writtenAt(written, above);
  return { file: join(folder, at.file), path: [...at.path.map(String), ...path.slice(above.length)] };
}
