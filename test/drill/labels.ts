import { HOSTS } from '../lab/layout.js';

/** The lab's inventory with disks by their labels, as it is right for a machine whose disks may come in another order. */
export function withLabels(inventory: string): string {
  let text = inventory;
  for (const { device, label } of HOSTS['ai-node'].disks) {
    const named = `device: ${device},`;
    if (!text.includes(named)) throw new Error(`the lab's inventory has no "${named}"`);
    text = text.replace(named, `device: LABEL=${label},`);
  }
  return text;
}
