/** A site of another team, written from docs/ alone: one AI node, and nothing that watches it. */
import { defineSite } from 'citadel-iac';
import { ai } from 'citadel-iac/roles/ai';
import { base } from 'citadel-iac/roles/base';

export const aiSite = defineSite({ roles: [base, ai], inventory: 'inventory.yaml' });

export const aiInventory = (name: string): string => `
hosts:
  ${name}:
    address: 192.168.10.35
    os: debian-13
    mounts:
      /mnt/citadel-models: { device: LABEL=citadel-models, type: ext4, sizeGiB: 100 }
    ai:
      gpus: [{ memoryGiB: 24 }]
      models:
        phi3: { port: 11403, directory: Phi-3-mini-128k-instruct, weightsGiB: 8, gpus: [0] }
operator: { addresses: [192.168.10.1] }
`;
