import { Host } from '../lib/constructs/host/host.js';
import { ModelService } from '../lib/constructs/ai/index.js';
import { runbookPage } from '../lib/constructs/monitoring/alerts/index.js';
import { RuleGroup } from '../lib/constructs/monitoring/rules/index.js';
import { buildTree } from './app.js';
import type { FleetInventory } from './fleet.js';

/** docs/runbook.md for the alerts of an inventory: what to type, with this fleet's addresses, ports and units. */
export function runbook(inventory: FleetInventory): string {
  const hosts = buildTree(inventory).node.findAll().filter(Host.isHost);
  const entries = Object.entries(inventory.hosts).sort(([a], [b]) => (a < b ? -1 : 1));
  return runbookPage(
    hosts.flatMap((host) => RuleGroup.of(host)),
    {
      hosts: entries.map(([name, { address = name, ssh, ai, monitoring }]) => ({
        name,
        address,
        account: ssh?.user ?? ai?.account ?? 'root',
        monitors: monitoring !== undefined,
      })),
      models: entries.flatMap(([host, { address = host, ai }]) =>
        Object.entries(ai?.models ?? {})
          .sort(([a], [b]) => (a < b ? -1 : 1))
          .map(([name, model]) => ({
            name,
            host,
            address,
            port: model.port,
            unit: ModelService.unitName(name),
            directory: `${ai?.modelsDirectory ?? ''}/${model.directory}`,
            gpus: model.gpus,
            servedName: model.servedName ?? name,
          })),
      ),
    },
  );
}
