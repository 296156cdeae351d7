import { RootConstruct } from 'constructs';
import { synthesizeHosts } from '../lib/constructs/host/index.js';
import type { HostManifest } from '../lib/manifest/index.js';
import { addAiNode } from './ai-node.js';
import { addBase } from './base.js';
import { addCoverage } from './coverage.js';
import { addDevOps } from './dev-ops.js';
import { Fleet, type FleetInventory } from './fleet.js';

/** The construct tree of all hosts of an inventory; nothing is validated yet. */
export function buildTree(inventory: FleetInventory): RootConstruct {
  const root = new RootConstruct();
  const fleet = new Fleet(root, inventory);
  for (const member of fleet.members) {
    addBase(member, fleet);
    addAiNode(member, fleet);
    addDevOps(member, fleet);
    addCoverage(member);
  }
  return root;
}

/**
 * One validated manifest per host of the inventory, sorted by name: the same bytes for the same inventory, on any
 * machine, at any time.
 *
 * @throws CitadelError with every problem of every host
 */
export function buildHosts(inventory: FleetInventory): HostManifest[] {
  return synthesizeHosts(buildTree(inventory));
}
