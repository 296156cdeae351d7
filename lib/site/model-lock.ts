import type { Inventory } from '../inventory/index.js';

/** What `citadel-iac models lock` has of the outside world for a role. */
export interface LockWorld {
  /** As the global `fetch`, which follows redirects and leaves `Authorization` out where they lead to another server. */
  readonly fetch: (url: string, init: { readonly headers: Record<string, string> }) => Promise<Response>;
  /** Every file below a folder, by relative path; links are followed. @throws CitadelError where it cannot be read */
  readonly folder: (path: string) => AsyncIterable<FolderFile>;
  /** @throws CitadelError where the secret cannot be found */
  readonly secret: (name: string) => Promise<string>;
  /** One line of progress. */
  readonly tell: (line: string) => void;
}

export interface FolderFile {
  readonly path: string;
  readonly bytes: () => AsyncIterable<Uint8Array>;
}

/** A file that differs between two entries of a lock file: `before` and `after` are bytes, absent where it is not there. */
export interface LockChange {
  readonly path: string;
  readonly before?: number;
  readonly after?: number;
}

/** What became of one declaration. */
export interface LockedSource {
  /** `HOST/MODEL`, all that share it. */
  readonly models: readonly string[];
  readonly from: string;
  /** The commit that it stands for, where it has one, and what it was. */
  readonly revision?: string;
  readonly before?: string;
  readonly files: number;
  readonly bytes: number;
  readonly changes: readonly LockChange[];
}

export interface LockResult {
  /** The whole lock file. */
  readonly text: string;
  readonly sources: readonly LockedSource[];
  /** Entries that no model of this inventory declares: another inventory may. */
  readonly undeclared: readonly string[];
}

/** A role that knows models whose files are fetched by a lock file. */
export interface ModelLock {
  /** Name of the lock file, in the folder of the inventory and a key of its `texts`. */
  readonly file: string;
  /** Names of the models that can be locked, sorted. */
  readonly models: (inventory: Inventory) => readonly string[];
  /** @throws CitadelError with every source that could not be read */
  readonly lock: (inventory: Inventory, models: readonly string[], world: LockWorld) => Promise<LockResult>;
}
