import type { Weights } from '../../engine/recovery/weights.js';
import type { HostManifest } from '../../manifest/index.js';
import type { Loss } from '../../site/recovery.js';
import type { Role } from '../../site/role.js';
import { missingModels } from './at-rest.js';

/** What is lost with a root disk whatever is rebuilt: known from the configuration alone. */
export function lossesOf(manifest: HostManifest, roles: readonly Role[]): Loss[] {
  const saved = roles.flatMap(({ recovery }) => recovery?.savedEdits?.(manifest) ?? []);
  return [
    ...roles.flatMap(({ recovery }) => recovery?.losses?.(manifest) ?? []),
    {
      what: 'what was changed by hand and is in no configuration',
      fix:
        saved[0] ?? 'This host has no backup of its configuration: what matters belongs into the inventory.',
    },
    {
      what: 'earlier generations of this host, and its old SSH host keys',
      fix: 'History begins with generation 1; other machines that know the old host keys must learn the new ones.',
    },
  ];
}

/** Models that did not come back. */
export function lostModels(weights: Weights | null): Loss[] {
  return missingModels(weights).map((model) => ({
    what: `model ${model.model}: ${model.error === '' ? 'left out on request (--without-weights)' : model.error}`,
    fix:
      model.how === 'restore' || model.how === 'copy'
        ? 'Run the command again without --without-weights: it goes on from here.'
        : `${model.fix} Then run the command again: it starts what is there.`,
  }));
}
