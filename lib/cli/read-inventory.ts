import { loadWritten, type Inventory, type LoadedInventory } from '../inventory/index.js';
import type { CommonOptions, Shell } from './shell.js';

/**
 * The inventory that a command is about: what `--inventory` names, then `CITADEL_INVENTORY`, then the site's own. Its keys are
 * the tool's and those of the site's roles.
 *
 * @throws CitadelError with every problem of the files
 */
export async function readInventory(shell: Shell, options: CommonOptions): Promise<Inventory> {
  return (await readWritten(shell, options)).inventory;
}

/**
 * The same, with where its values are written.
 *
 * @param instead what its files would say, by absolute path
 */
export async function readWritten(
  shell: Shell,
  options: CommonOptions,
  instead?: ReadonlyMap<string, string>,
): Promise<LoadedInventory> {
  const { roles = [] } = await shell.app();
  return loadWritten(roles, await inventoryPath(shell, options), shell.env, shell.cwd, instead);
}

/** As `loadInventory` takes it: `undefined` where neither the command nor the site names one. */
export async function inventoryPath(shell: Shell, options: CommonOptions): Promise<string | undefined> {
  if (options.inventory !== undefined) return options.inventory;
  const { CITADEL_INVENTORY: named } = shell.env;
  return named === undefined || named === '' ? (await shell.app()).inventory : undefined;
}
