import type { OwnProblem } from '../../../constructs/host/index.js';
import type { WeightsInventory } from '../schema/weights.js';
import { LOCK_FILE, lockedOf, type LockedWeights } from './lock-file.js';

/** What is between declarations of weights and the lock file: each must stand there as it is written. */
export function lockProblems(
  models: Readonly<Record<string, { readonly weights?: WeightsInventory | undefined }>>,
  entries: readonly LockedWeights[],
): OwnProblem[] {
  return Object.entries(models).flatMap(([name, { weights }]) => {
    if (weights === undefined || lockedOf(entries, weights) !== undefined) return [];
    const near = entries.some(({ from }) => from === weights.from);
    return [
      {
        code: 'construct.weights.lock',
        property: `models.${name}.weights`,
        got: near
          ? `${LOCK_FILE} has ${weights.from} with other "include" or "exclude"`
          : `${weights.from} is not in ${LOCK_FILE}`,
        fix: `Run: citadel-iac models lock ${name}`,
      },
    ];
  });
}
