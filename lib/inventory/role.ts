import type { z } from 'zod';
import type { Problem } from '../manifest/index.js';
import type { RawMap, Source } from './raw.js';
import type { HostInventory } from './schema/inventory.js';

/** The version of the interface of roles. A role that states another one is refused. */
export const ROLE_API_VERSION = 1;

/** The key `name` of a host, as the schema of its role made it; for roles that add nothing to `RoleHostKeys`. */
export function ownKey(host: HostInventory, name: string): unknown {
  return (host as unknown as Readonly<Record<string, unknown>>)[name];
}

/** A host as it was written, for rules between its keys; what is of the wrong shape is to be passed over. */
export interface RawHost {
  readonly source: Source;
  /** `['hosts', name]` */
  readonly path: readonly string[];
  readonly value: RawMap;
  /** The inventory's `secrets`, as written. */
  readonly secrets: unknown;
}

/** A file that the inventory names, and how a person makes it. */
export interface NamedFile {
  /** Relative to the project, or to the folder of the inventory where `beside` says so. */
  readonly name: string;
  /** @default 'project' */
  readonly beside?: 'project' | 'inventory';
  /** It need not be there: then the inventory's `texts` lack it. @default false */
  readonly optional?: boolean;
  readonly fix: string;
  /** The tool that reads it where this machine has one, in addition to what the role itself looks at. @default - none */
  readonly check?: 'prometheus-rules';
}

/** What a role has to do with the inventory. All of it is optional but the name and the version. */
export interface InventoryRole {
  /** `ai`: for messages, and unique in a site. */
  readonly name: string;
  /** {@link ROLE_API_VERSION} that it was written for. */
  readonly apiVersion: number;
  /** Its keys: of each host, and of the whole inventory. Each belongs to one role. */
  readonly schema?: {
    readonly host?: Readonly<Record<string, z.ZodType>>;
    readonly site?: Readonly<Record<string, z.ZodType>>;
  };
  /** Those of its keys that make a host do something for others, so that its address and the operator's must be known. */
  readonly serves?: readonly string[];
  /** Rules between keys. */
  readonly rules?: (host: RawHost) => Problem[];
  /** Files whose texts it needs: they are in the inventory's `texts` by their names. */
  readonly files?: (host: HostInventory) => readonly NamedFile[];
}
