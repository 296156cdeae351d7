import type { Inventory } from '../../inventory/index.js';
import { ok, warning, type Finding } from '../../site/index.js';
import { compareMinors, minorOf, NEWEST, OLDEST, pinnedVllm } from './vllm-version.js';

/** Whether the vLLM that is pinned is one whose flags and metrics are known. */
export function judgeVllm(inventory: Inventory): Finding[] {
  return Object.entries(inventory.hosts).flatMap(([host, { ai }]) => {
    if (ai?.vllm === undefined) return [];
    const { requirements } = ai.vllm;
    const pinned = pinnedVllm(inventory.texts[requirements] ?? '');
    if (pinned === undefined) return [];
    const known = `${OLDEST} to ${NEWEST}`;
    return [
      compareMinors(minorOf(pinned.version), NEWEST) > 0
        ? warning(
            'vLLM',
            `${host} pins ${pinned.version}, which is newer than this tool: flags and metrics of ${known} are known`,
            `look for a newer citadel-iac, or try the models by hand before you apply; the pin is in ${requirements}`,
          )
        : ok('vLLM', `${host} pins ${pinned.version}, of which flags and metrics are known`),
    ];
  });
}
