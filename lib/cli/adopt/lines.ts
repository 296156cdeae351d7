import { diffArrays } from 'diff';

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
  const runs: ReturnType<typeof diffArrays<string>> | undefined = diffArrays([...before], [...after], {
    maxEditLength: MAX_EDITS,
  });
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

/** Numbers, words, space, and everything else one by one. */
const TOKEN = /\d+(?:\.\d+)?|[A-Za-z_]+|\s+|[^\sA-Za-z_\d]/gu;

/** The parts of a text that are replaced as a whole; joined they are the text. */
export function tokensOf(text: string): string[] {
  return text.match(TOKEN) ?? [];
}

/** How many tokens two texts have that the other lacks. */
export function distance(before: string, after: string): number {
  const lines = hunksOf(linesOf(before), linesOf(after));
  if (lines === undefined) return Infinity;
  return lines.reduce((sum, { removed, added }) => {
    const [old, now] = [tokensOf(removed.join('')), tokensOf(added.join(''))];
    const tokens = hunksOf(old, now) ?? [{ removed: old, added: now }];
    return sum + tokens.reduce((count, hunk) => count + hunk.removed.length + hunk.added.length, 0);
  }, 0);
}

/**
 * `ours` with what was done to `base` to get `theirs`; `undefined` where both did something to the same lines, or to
 * lines side by side, so that no one knows what is meant.
 */
export function mergedText(base: string, ours: string, theirs: string): string | undefined {
  const lines = linesOf(base);
  const mine = hunksOf(lines, linesOf(ours));
  const other = hunksOf(lines, linesOf(theirs));
  if (mine === undefined || other === undefined) return undefined;
  const clash = mine.some((a) =>
    other.some((b) => a.at <= b.at + b.removed.length && b.at <= a.at + a.removed.length),
  );
  if (clash) return undefined;
  const merged = [...lines];
  for (const { at, removed, added } of [...mine, ...other].sort((a, b) => b.at - a.at))
    merged.splice(at, removed.length, ...added);
  return merged.join('');
}
