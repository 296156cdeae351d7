import { AiNode } from '../lib/constructs/ai/index.js';
import type { Fleet, Member } from './fleet.js';

/** A GPU node with model services. Does nothing for a host whose inventory has no `ai`. */
export function addAiNode({ host, inventory }: Member, fleet: Fleet): void {
  const { ai } = inventory;
  if (ai === undefined) return;
  const requirements = ai.vllm === undefined ? undefined : fleet.inventory.texts?.[ai.vllm.requirements];
  new AiNode(host, 'ai', {
    inventory: { ...inventory, ai },
    reach: [...fleet.operators, ...fleet.monitors],
    monitors: fleet.monitors.length === 0 ? 'loopback' : fleet.monitors,
    ...(requirements === undefined ? {} : { requirements }),
  });
}
