import { Host } from '../../../lib/constructs/host/host.js';
import { RuleGroup } from '../../../lib/constructs/monitoring/rules/index.js';
import type { FleetInventory } from '../../../lib/site/fleet.js';
import { buildTree } from '../../../stacks/app.js';
import { inventoryOf } from '../../stacks/example.js';

/** The rule groups of the monitoring server of an inventory. */
export function groupsOf(inventory: FleetInventory): RuleGroup[] {
  const hosts = buildTree(inventory).node.findAll().filter(Host.isHost);
  return hosts.flatMap((host) => RuleGroup.of(host));
}

/** The example, and something that is asked over TLS: every alert of the catalogue has its place. */
export function wholeInventory(): FleetInventory {
  const production = inventoryOf('citadel');
  const devOps = production.hosts['dev-ops'];
  if (devOps?.monitoring === undefined) throw new Error('the example has lost its monitoring server');
  const monitoring = { ...devOps.monitoring, probes: { chat: { url: 'https://chat.example.org/healthz' } } };
  return { ...production, hosts: { ...production.hosts, 'dev-ops': { ...devOps, monitoring } } };
}
