import { createHmac } from 'node:crypto';
import type { HostPlan } from '../../engine/model.js';
import { expectation } from '../../engine/observe/expectation.js';
import { canonicalJson } from '../../manifest/canonical.js';
import type { HostManifest } from '../../manifest/index.js';
import { changeJson } from '../text/plan-json.js';
import { byKey } from '../../text/order.js';

/** What was reviewed of one host. Holds no value of a secret: diffs show tokens, and files that cannot be shown a digest. */
export interface HostRecord {
  /** Digest of the document. */
  readonly digest: string;
  readonly document: HostManifest;
  /** The host's generation then, and the digest of its document; `null` when nothing was ever applied. */
  readonly generation: number | null;
  readonly generationDigest: string | null;
  /** By `section key`: everything that is shown of the change. */
  readonly changes: Readonly<Record<string, object>>;
  /** `restart a.service`, in order. */
  readonly unitActions: readonly string[];
  readonly owed: readonly string[];
  /**
   * Digest, under a key that only the host's root and who applies to it has, of what stands at the paths that change and of
   * what comes there: also of what a diff does not show. Absent before the first apply, when there is no such key.
   */
  readonly seen?: string;
}

/** What a plan says, so that two of them can be compared. */
export function recordOf(plan: HostPlan): HostRecord {
  const { observed, manifest, digest } = plan;
  const seen = observed.secretKey === null ? undefined : sealOf(plan, observed.secretKey);
  return {
    digest,
    document: manifest,
    generation: observed.generation,
    generationDigest: observed.digest,
    changes: Object.fromEntries(
      plan.changes.map((change) => [
        `${change.section} ${change.key}`,
        {
          ...changeJson(change),
          ...(change.reloads !== undefined && { reloads: change.reloads }),
          ...(change.note !== undefined && { note: change.note }),
        },
      ]),
    ),
    unitActions: plan.unitActions.map(({ verb, unit }) => `${verb} ${unit}`),
    owed: observed.debts,
    ...(seen !== undefined && { seen }),
  };
}

function sealOf(plan: HostPlan, key: Buffer): string {
  const seal = createHmac('sha256', key).update(expectation(plan).records);
  for (const [path, bytes] of [...plan.contents].sort(byKey)) {
    seal.update(`${path}\0${String(bytes.length)}\0`).update(bytes);
  }
  return seal.digest('hex');
}

/**
 * What is not as it was when the plan was saved, in words; nothing where all is.
 *
 * @param now what a plan says that was made just now
 */
export function hostDifferences(saved: HostRecord, now: HostRecord): string[] {
  const differences: string[] = [];
  if (saved.generation !== now.generation || saved.generationDigest !== now.generationDigest) {
    differences.push(`it went from ${at(saved.generation)} to ${at(now.generation)}`);
  }
  for (const key of keysOf(saved.changes, now.changes)) {
    const [before, after] = [saved.changes[key], now.changes[key]];
    if (after === undefined) differences.push(`${key} would not change any more`);
    else if (before === undefined) differences.push(`${key} would change as well`);
    else if (canonicalJson(before) !== canonicalJson(after))
      differences.push(`${key} is not as it was, or would change otherwise`);
  }
  if (canonicalJson(saved.owed) !== canonicalJson(now.owed))
    differences.push('earlier runs owe other restarts');
  if (differences.length > 0) return differences;
  if (canonicalJson(saved.unitActions) !== canonicalJson(now.unitActions))
    return [
      `units: ${now.unitActions.join(', ') || 'nothing'} in the place of ${saved.unitActions.join(', ') || 'nothing'}`,
    ];
  if (saved.seen !== now.seen)
    return ['what stands at the paths that change, or the value of a secret, is not as it was'];
  return [];
}

/** Which items of a document are not as they were in the other one, as `section key`. */
export function documentDifferences(saved: HostManifest, now: HostManifest): string[] {
  const [before, after] = [itemsOf(saved), itemsOf(now)];
  return keysOf(before, after).filter(
    (key) => canonicalJson(before[key] ?? null) !== canonicalJson(after[key] ?? null),
  );
}

function itemsOf(manifest: HostManifest): Record<string, unknown> {
  const { origins: _origins, ...document } = manifest;
  return Object.fromEntries(
    Object.entries(document).flatMap(([section, value]) =>
      typeof value === 'object'
        ? Object.entries(value).map(([key, item]) => [`${section} ${key}`, item as unknown])
        : [[section, value as unknown]],
    ),
  );
}

function keysOf(...records: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(records.flatMap((record) => Object.keys(record)))].sort();
}

function at(generation: number | null): string {
  return generation === null ? 'no generation' : `generation ${String(generation)}`;
}
