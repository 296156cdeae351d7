import type { InventoryDocument } from './schema/inventory.js';

/** Where an inventory came from: for messages, and for paths in it that are relative. Never part of a manifest. */
export interface InventorySource {
  /** As it stands in messages: relative to the folder the command was started in, where it lies below it. */
  readonly file: string;
  /** Absolute path of the project: the nearest folder above the file with a `cdktf.json` or `package.json`. */
  readonly projectDir: string;
  /** The targets file that it names, if any, and whether it exists. */
  readonly targetsFile?: { readonly path: string; readonly found: boolean };
  /** Where a value is written, `hosts/web01.yaml:3:5`; `undefined`: nowhere. Absent in an inventory that was read from no files. */
  readonly locate?: (keys: readonly string[]) => string | undefined;
}

/** A loaded inventory: what the file says, defaults filled in, the targets file laid over it. */
export type Inventory = InventoryDocument & {
  readonly source: InventorySource;
  /** Texts of the files that it names (`ai.vllm.requirements`), by their names as written there. */
  readonly texts: Readonly<Record<string, string>>;
};

/** Used when neither the caller nor `CITADEL_INVENTORY` names a file; relative to the working directory. */
export const DEFAULT_INVENTORY = 'stacks/inventory/citadel.yaml';
