import { parseInventory } from '../../../lib/inventory/index.js';
import { ai } from '../../../lib/roles/ai/role.js';
import { base } from '../../../lib/roles/base/role.js';
import { gateway } from '../../../lib/roles/gateway/role.js';
import { monitoring } from '../../../lib/roles/monitoring/role.js';
import { defineSite } from '../../../lib/site/index.js';

export const site = defineSite({ roles: [base, ai, gateway, monitoring] });

const node = (address: string, { port = 11403, more = '' } = {}) => `
    address: ${address}
    ai:
      gpus: [{ memoryGiB: 80 }]
      modelsDirectory: /mnt/citadel-models/active
      firstModel: phi3${more}
      models:
        phi3:
          port: ${String(port)}
          directory: Phi-3
          weightsGiB: 7
          gpus: [0]
          gpuMemoryUtilization: 0.5
    mounts:
      /mnt/citadel-models: { device: LABEL=models, type: ext4, sizeGiB: 500 }
      /mnt/citadel-backup: { device: LABEL=backup, type: ext4, sizeGiB: 500 }
    backup: { directory: /mnt/citadel-backup/models }`;

/** Two AI nodes that serve one model, a gateway (or two) before them, and a server that watches all. */
export function fleet(
  given: {
    gateway?: string;
    second?: string;
    secondPort?: number;
    nodeMore?: string;
    secrets?: string;
  } = {},
): string {
  const { gateway: own = '{}', second, secondPort = 11403, nodeMore = '', secrets = '' } = given;
  return `hosts:
  node-a:${node('10.0.0.11', { more: nodeMore })}
  node-b:${node('10.0.0.12', { port: secondPort, more: nodeMore })}
  door:
    address: 10.0.0.10
    gateway: ${own}${second === undefined ? '' : `\n  door-2:\n    address: 10.0.0.13\n    gateway: ${second}`}
  watch:
    address: 10.0.0.9
    monitoring: {}
operator: { addresses: [10.0.1.0/24] }
${secrets}`;
}

export const inventory = (text: string) => parseInventory(site.roles, text, 'site.yaml');
