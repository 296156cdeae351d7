import type { ModelWeights, Weights } from '../../engine/recovery/weights.js';
import type { HostManifest } from '../../manifest/index.js';
import type { Loss } from '../../site/recovery.js';
import type { Role } from '../../site/role.js';
import type { DataItem } from '../../engine/recovery/data.js';
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
    what: `model ${model.model}: ${whyLost(model)}`,
    fix:
      model.how === 'restore' || model.how === 'copy'
        ? 'Run the command again without --without-weights: it goes on from here.'
        : model.how === 'fetch'
          ? model.fix || `The host goes on fetching it: systemctl status citadel-weights-${model.model}.`
          : `${model.fix} Then run the command again: it starts what is there.`,
  }));
}

function whyLost({ how, error }: ModelWeights): string {
  if (error !== '') return error;
  return how === 'fetch' ? 'its weights are not fetched yet' : 'left out on request (--without-weights)';
}

/** What the off-site store no longer has whole. */
export function lostData(items: readonly DataItem[]): Loss[] {
  return items.flatMap(({ path, how, parts }): Loss[] => {
    if (how === 'damaged')
      return [
        {
          what: `of ${path}: ${parts.join(', ')}: the off-site store no longer has it whole`,
          fix: 'Older snapshots may have it: docs/offsite.md, “A damaged repository”.',
        },
      ];
    if (how === 'lost')
      return [
        {
          what: `${path}: ${parts.join(', ')}`,
          fix: 'Look at the store: sudo citadel-offsite restic snapshots',
        },
      ];
    return [];
  });
}
