import { Host, RuleGroup, type FleetInventory } from 'citadel-iac';
import { ModelService } from 'citadel-iac/roles/ai';
import { runbookPage } from 'citadel-iac/roles/monitoring';
import { buildTree } from './app.js';

/** docs/runbook.md for the alerts of an inventory: what to type, with this fleet's addresses, ports and units. */
export function runbook(inventory: FleetInventory): string {
  const hosts = buildTree(inventory).node.findAll().filter(Host.isHost);
  const entries = Object.entries(inventory.hosts).sort(byName);
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
          .sort(byName)
          .map(([name, model]) => ({
            name,
            host,
            address,
            port: model.port,
            unit: ModelService.unitName(name),
            directory: `${ai?.modelsDirectory ?? ''}/${model.directory}`,
            gpus: model.gpus,
            servedName: [model.servedName ?? name].flat()[0] ?? name,
          })),
      ),
    },
  );
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
