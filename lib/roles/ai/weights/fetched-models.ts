import { secret } from '../../../constructs/secret.js';
import { Size } from '../../../constructs/units.js';
import type { AiInventory, ModelServiceInventory } from '../schema/ai.js';
import type { FetchedModel } from './fetched-weights.js';
import { lockedOf, type LockedWeights } from './lock-file.js';
import { parseSource } from './source.js';

/** Models whose weights the host fetches, as the construct wants them. What the lock file lacks is left out: a rule refuses it. */
export function fetchedModels(
  ai: AiInventory,
  entries: readonly LockedWeights[],
): Readonly<Record<string, FetchedModel>> {
  return Object.fromEntries(
    Object.entries(ai.models).flatMap(([name, model]) => {
      const fetched = fetchedModel(model, ai.huggingFaceEndpoint, entries);
      return fetched === undefined ? [] : [[name, fetched]];
    }),
  );
}

function fetchedModel(
  { weights, directory, start }: ModelServiceInventory,
  endpoint: string,
  entries: readonly LockedWeights[],
): FetchedModel | undefined {
  const entry = weights === undefined ? undefined : lockedOf(entries, weights);
  const source = weights === undefined ? undefined : parseSource(weights.from);
  if (weights === undefined || entry === undefined || source === undefined) return undefined;
  const { token, maxMiBPerSec } = weights;
  return {
    from: weights.from,
    base:
      source.kind === 'folder'
        ? { folder: source.path }
        : {
            url:
              source.kind === 'https'
                ? source.url
                : `${endpoint}/${source.repository}/resolve/${entry.revision ?? source.revision}/`,
          },
    files: entry.files,
    directory,
    start,
    ...(token === undefined ? {} : { token: secret(token) }),
    ...(maxMiBPerSec === undefined ? {} : { perSecond: Size.bytes(Math.round(maxMiBPerSec * 1024 ** 2)) }),
  };
}
