import { Host } from '../../../lib/constructs/host/host.js';
import { RuleGroup } from '../../../lib/constructs/monitoring/rules/index.js';
import type { FleetInventory } from '../../../stacks/fleet.js';
import { buildTree } from '../../../stacks/app.js';

/** The rule groups of the monitoring server of an inventory. */
export function groupsOf(inventory: FleetInventory): RuleGroup[] {
  const hosts = buildTree(inventory).node.findAll().filter(Host.isHost);
  return hosts.flatMap((host) => RuleGroup.of(host));
}
