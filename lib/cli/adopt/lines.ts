import { applyPatch, diffArrays, structuredPatch } from 'diff';

/** Edits beyond which two texts have nothing to do with each other. */
const MAX_EDITS = 2000;

/** Lines with their newlines. */
export function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}

/** A run of lines that was replaced: `removed` at index `at` of the old ones by `added`. */
export interface Hunk {
  readonly at: number;
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** What differs between two lists, in order. `undefined` where too much does. */
export function hunksOf(before: readonly string[], after: readonly string[]): Hunk[] | undefined {
  const runs = diffArrays([...before], [...after], { maxEditLength: MAX_EDITS }) as
    ReturnType<typeof diffArrays<string>> | undefined;
  if (runs === undefined) return undefined;
  const hunks: Hunk[] = [];
  let at = 0;
  let open: { at: number; removed: string[]; added: string[] } | undefined;
  for (const { added, removed, value } of runs) {
    if (!added && !removed) {
      open = undefined;
      at += value.length;
      continue;
    }
    if (open === undefined) hunks.push((open = { at, removed: [], added: [] }));
    (added ? open.added : open.removed).push(...value);
    if (removed) at += value.length;
  }
  return hunks;
}

/** How many lines two texts have that the other lacks. */
export function distance(before: string, after: string): number {
  const hunks = hunksOf(linesOf(before), linesOf(after));
  return hunks?.reduce((sum, { removed, added }) => sum + removed.length + added.length, 0) ?? Infinity;
}

/** `ours` with what was done to `base` to get `theirs`; `undefined` where the two touch the same lines. */
export function mergedText(base: string, ours: string, theirs: string): string | undefined {
  if (ours === base) return theirs;
  const patch = structuredPatch('', '', base, theirs, '', '', { context: 3 });
  const merged = applyPatch(ours, patch, { fuzzFactor: 0, autoConvertLineEndings: false });
  return merged === false ? undefined : merged;
}
