import type { ExpandedManifest, Problem, Section } from '../../manifest/index.js';
import type { AppliedIndex, AppliedItem, Change, ObservedHost } from '../model.js';
import type { FileStamps } from './facts.js';

/** Everything that a comparison looks at: three states of one host. */
export interface DiffInput {
  readonly desired: ExpandedManifest;
  /** The last generation's items; `null` when there is none. */
  readonly applied: AppliedIndex | null;
  readonly observed: ObservedHost;
  /** Of every desired file. */
  readonly stamps: FileStamps;
}

/** What is known of a host, whatever is wanted of it. */
export type HostState = Pick<DiffInput, 'applied' | 'observed'>;

/** What the comparison of one section finds. */
export interface DiffOutput {
  readonly changes: Change[];
  /** For people: what was left out, and why. */
  readonly notes: string[];
  /** What makes a plan impossible. */
  readonly problems: Problem[];
  /** Paths whose contents, target or kind change, are created or go: what units can depend on. */
  readonly touched: Set<string>;
}

/** What a section's value says about an item, for all items of a section of the last generation. */
export function appliedItems(input: DiffInput, section: Section): Readonly<Record<string, AppliedItem>> {
  return input.applied?.[section] ?? {};
}

/** Whether the item stood on the host before the first generation that named it. */
export function isAdopted(item: AppliedItem | undefined): boolean {
  return item?.['adopted'] === true;
}

/** `{ origin }` of an item, when the manifest knows who declared it. */
export function originOf(input: DiffInput, section: Section, key: string): { readonly origin?: string } {
  const origin = input.desired.origins?.[`${section}/${key}`];
  return origin === undefined ? {} : { origin };
}

/** Own enumerable entries in the order of their keys. */
export function sortedEntries<Value>(
  record: Readonly<Record<string, Value>> | undefined,
): readonly (readonly [string, Value])[] {
  return Object.entries(record ?? {}).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
}

/** Keys that the last generation had and the desired state has not, sorted. */
export function leavingKeys(
  applied: Readonly<Record<string, AppliedItem>>,
  desired: Readonly<Record<string, unknown>> | undefined,
): string[] {
  return Object.keys(applied)
    .filter((key) => desired?.[key] === undefined)
    .sort();
}

/** `3 units`, `1 mount`. */
export function countOf(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
