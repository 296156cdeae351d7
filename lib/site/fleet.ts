import type { Construct } from 'constructs';
import { Host } from '../constructs/host/index.js';
import type { HostInventory, Inventory } from '../inventory/index.js';
import { byKey } from '../text/order.js';
import type { ContributionKind, ContributionOf, RoleContribution } from './contributions.js';

/** What manifests are made from. Where the inventory was read from is no part of it. */
export type FleetInventory = Omit<Inventory, 'source' | 'secrets' | 'targetsFile' | 'texts'> &
  Partial<Pick<Inventory, 'texts'>>;

/** One host of the fleet: its construct, and what the inventory says about it. */
export interface Member {
  readonly name: string;
  readonly host: Host;
  readonly inventory: HostInventory;
}

/** All hosts at once: what one of them must know of the others, without knowing what they are for. */
export class Fleet {
  /** Sorted by name. */
  readonly members: readonly Member[];
  readonly inventory: FleetInventory;
  private readonly contributed: RoleContribution[] = [];

  constructor(scope: Construct, inventory: FleetInventory) {
    this.inventory = inventory;
    this.members = Object.entries(inventory.hosts)
      .sort(byKey)
      .map(([name, entry]) => ({
        name,
        inventory: entry,
        host: new Host(scope, name, {
          ...(entry.address === undefined ? {} : { addresses: [entry.address] }),
          ...(entry.os === undefined ? {} : { os: entry.os }),
        }),
      }));
  }

  /** Addresses and networks that people work from. */
  get operators(): readonly string[] {
    return this.inventory.operator.addresses;
  }

  /** Called by the site, before any role builds. */
  add(contributions: readonly RoleContribution[]): void {
    this.contributed.push(...contributions);
  }

  /** What roles contribute of one kind, in the order of the site's roles. Complete when roles build, empty before. */
  of<K extends ContributionKind>(kind: K): ContributionOf<K>[] {
    return this.contributed.filter((each): each is ContributionOf<K> => each.kind === kind);
  }

  /** Hosts that say so of themselves: that they scrape, ask endpoints, or ask models. */
  hostsThat(kind: 'scraper' | 'client' | 'model-client'): Host[] {
    const names = new Set(this.of(kind).map(({ host }) => host));
    return this.members.filter(({ name }) => names.has(name)).map(({ host }) => host);
  }
}
