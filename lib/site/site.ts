import { RootConstruct } from 'constructs';
import { synthesizeHosts } from '../constructs/host/index.js';
import { inventorySchemasOf } from '../inventory/index.js';
import type { HostManifest } from '../manifest/index.js';
import { Fleet, type FleetInventory } from './fleet.js';
import { contributionNotes } from './notes.js';
import type { Role } from './role.js';

export interface SiteProps {
  /** What hosts of this site can be; an order that changes no manifest. */
  readonly roles: readonly Role[];
  /** Inventory, a file or a folder, that is read where none is named, relative to the folder of `citadel.config.ts`. @default 'stacks/inventory/citadel.yaml' */
  readonly inventory?: string;
  /** Constructs of this site that belong to no role; called once, after all roles have built. @default - none */
  readonly build?: (fleet: Fleet) => void;
}

/** What `citadel.config.ts` exports by default. */
export interface Site {
  readonly roles: readonly Role[];
  readonly inventory?: string;
  /** The construct tree of all hosts of an inventory; nothing is validated yet. */
  readonly buildTree: (inventory: FleetInventory) => RootConstruct;
  /**
   * One validated manifest per host of the inventory, sorted by name: the same bytes for the same inventory, on any
   * machine, at any time.
   *
   * @throws CitadelError with every problem of every host
   */
  readonly buildHosts: (inventory: FleetInventory) => HostManifest[];
  /** What roles contribute and no role of these hosts reads: for a person to know, and no reason to refuse anything. */
  readonly notes: (inventory: FleetInventory) => readonly string[];
}

/**
 * A site: which roles its hosts can have.
 *
 * @throws CitadelError where two roles claim one key or have one name, or one was written for another version
 */
export function defineSite({ roles, inventory, build }: SiteProps): Site {
  inventorySchemasOf(roles);
  const buildTree = (given: FleetInventory): RootConstruct => {
    const root = new RootConstruct();
    const fleet = new Fleet(root, given);
    for (const role of roles) fleet.add(role.contribute?.(fleet) ?? []);
    for (const member of fleet.members) for (const role of roles) role.build?.(member, fleet);
    build?.(fleet);
    return root;
  };
  return {
    roles,
    ...(inventory === undefined ? {} : { inventory }),
    buildTree,
    buildHosts: (given) => synthesizeHosts(buildTree(given)),
    notes: (given) => contributionNotes(roles, given),
  };
}
