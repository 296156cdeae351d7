import { CitadelError, type Problem } from '../../../manifest/index.js';
import type { Inventory } from '../../../inventory/index.js';
import type { LockedSource, LockResult, LockWorld, ModelLock } from '../../../site/index.js';
import { order } from '../../../text/order.js';
import '../keys.js';
import type { WeightsInventory } from '../schema/weights.js';
import { fileChanges } from './lock-changes.js';
import { keyOf, LOCK_FILE, lockedOf, lockText, parseLock, type LockedWeights } from './lock-file.js';
import { readSource } from './read-source.js';

interface Declared {
  /** `HOST/MODEL` */
  readonly where: string;
  readonly model: string;
  readonly weights: WeightsInventory;
  readonly endpoint: string;
}

/** What `citadel-iac models lock` does for AI nodes. */
export const modelLock: ModelLock = {
  file: LOCK_FILE,
  models: (inventory) => [...new Set(declared(inventory).map(({ model }) => model))].sort(order),
  lock,
};

function declared({ hosts }: Inventory): Declared[] {
  return Object.entries(hosts).flatMap(([host, { ai }]) =>
    Object.entries(ai?.models ?? {}).flatMap(([model, { weights }]) =>
      weights === undefined
        ? []
        : [{ where: `${host}/${model}`, model, weights, endpoint: ai?.huggingFaceEndpoint ?? '' }],
    ),
  );
}

async function lock(inventory: Inventory, models: readonly string[], world: LockWorld): Promise<LockResult> {
  const before = parseLock(inventory.texts[LOCK_FILE]);
  const all = declared(inventory);
  const bySource = new Map<string, Declared[]>();
  for (const each of all.filter(({ model }) => models.includes(model))) {
    const key = keyOf(each.weights);
    bySource.set(key, [...(bySource.get(key) ?? []), each]);
  }
  const problems: Problem[] = [];
  const entries = new Map(before.map((entry) => [keyOf(entry), entry]));
  const sources: LockedSource[] = [];
  for (const [key, sharing] of [...bySource].sort(([a], [b]) => order(a, b))) {
    const [first] = sharing;
    if (first === undefined) continue;
    try {
      const entry = await readSource(first, world);
      sources.push(sourceOf(sharing, entry, lockedOf(before, first.weights)));
      entries.set(key, entry);
    } catch (error) {
      if (!(error instanceof CitadelError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new CitadelError(problems);
  const known = new Set(all.map(({ weights }) => keyOf(weights)));
  return {
    text: lockText([...entries.values()]),
    sources,
    undeclared: [...entries].filter(([key]) => !known.has(key)).map(([, { from }]) => from),
  };
}

function sourceOf(
  sharing: readonly Declared[],
  entry: LockedWeights,
  before: LockedWeights | undefined,
): LockedSource {
  const files = Object.values(entry.files);
  return {
    models: sharing.map(({ where }) => where).sort(order),
    from: entry.from,
    ...(entry.revision === undefined ? {} : { revision: entry.revision }),
    ...(before?.revision === undefined ? {} : { before: before.revision }),
    files: files.length,
    bytes: files.reduce((sum, { size }) => sum + size, 0),
    changes: fileChanges(before?.files ?? {}, entry.files),
  };
}
