import type { FleetInventory } from '../../../../lib/site/fleet.js';
import { inventoryOf } from '../../../stacks/example.js';
import { MODELS } from './life.js';

/** Stands in the files for whoever is told; a replay puts a recorder in its place. */
export const RECEIVERS = 'http://192.168.10.1:8080';
export const ZONE = 'Europe/Berlin';

/** The example with three of its models and the routes that a site has which gives none. */
export function fleet(): FleetInventory {
  const example = inventoryOf('citadel');
  const [node, devOps] = [example.hosts['ai-node'], example.hosts['dev-ops']];
  if (node?.ai === undefined || devOps?.monitoring === undefined)
    throw new Error('the example has lost its hosts');
  const models = Object.fromEntries(
    Object.entries(node.ai.models).filter(([name]) => (MODELS as readonly string[]).includes(name)),
  );
  const alertmanager = {
    ...devOps.monitoring.alertmanager,
    webhook: `${RECEIVERS}/operators`,
    deadMansSwitch: { url: `${RECEIVERS}/dead-mans-switch` },
    workingHours: { ...devOps.monitoring.alertmanager.workingHours, timeZone: ZONE },
  };
  return {
    ...example,
    hosts: {
      ...example.hosts,
      'ai-node': { ...node, ai: { ...node.ai, models } },
      'dev-ops': { ...devOps, monitoring: { ...devOps.monitoring, alertmanager } },
    },
  };
}
