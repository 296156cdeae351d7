import { structuredPatch } from 'diff';

const CONTEXT = 3;
/** Edits beyond which a minimal diff is not looked for: the search takes time that grows with their square. */
const MAX_EDITS = 1000;

export interface DiffNames {
  /** What stands after `---` and `+++`; `/dev/null` for a side that does not exist. */
  readonly before: string;
  readonly after: string;
}

interface Hunk {
  readonly oldStart: number;
  readonly oldLines: number;
  readonly newStart: number;
  readonly newLines: number;
  readonly lines: readonly string[];
}

/**
 * A unified diff as `diff -u` prints it, without times: three lines of context, `\ No newline at end of file` where
 * the last line has none. Empty when the texts are equal.
 */
export function formatUnifiedDiff(before: string, after: string, names: DiffNames): string {
  if (before === after) return '';
  // Nothing needs to be looked for where one side is empty, as for each file of a first apply.
  const patch =
    before === '' || after === ''
      ? undefined
      : structuredPatch('', '', before, after, '', '', {
          context: CONTEXT,
          maxEditLength: MAX_EDITS,
        });
  // Nothing where too much differs.
  const hunks: readonly Hunk[] = patch?.hunks ?? [coarseHunk(before, after)];
  const text = hunks.map((hunk) => `${hunkHeader(hunk)}\n${hunk.lines.join('\n')}\n`).join('');
  return `--- ${names.before}\n+++ ${names.after}\n${text}`;
}

function hunkHeader(hunk: Hunk): string {
  return `@@ -${range(hunk.oldStart, hunk.oldLines)} +${range(hunk.newStart, hunk.newLines)} @@`;
}

/** `diff -u` writes line 0 for an empty side, and leaves out a count of 1. */
function range(start: number, count: number): string {
  if (count === 0) return `${Math.max(start - 1, 0)},0`;
  return count === 1 ? `${start}` : `${start},${count}`;
}

/** One hunk that replaces everything between the first and the last line that differ. */
function coarseHunk(before: string, after: string): Hunk {
  const old = splitLines(before);
  const now = splitLines(after);
  let head = 0;
  while (head < old.length && head < now.length && old[head] === now[head]) head += 1;
  let tail = 0;
  while (
    tail < old.length - head &&
    tail < now.length - head &&
    old[old.length - 1 - tail] === now[now.length - 1 - tail]
  ) {
    tail += 1;
  }
  const start = Math.max(0, head - CONTEXT);
  const oldEnd = Math.min(old.length, old.length - tail + CONTEXT);
  const newEnd = Math.min(now.length, now.length - tail + CONTEXT);
  const lines = [
    ...old.slice(start, head).map((line) => ` ${line}`),
    ...old.slice(head, old.length - tail).map((line) => `-${line}`),
    ...now.slice(head, now.length - tail).map((line) => `+${line}`),
    ...now.slice(now.length - tail, newEnd).map((line) => ` ${line}`),
  ].flatMap((line) => (line.endsWith('\n') ? [line.slice(0, -1)] : [line, '\\ No newline at end of file']));
  return {
    oldStart: start + 1,
    oldLines: oldEnd - start,
    newStart: start + 1,
    newLines: newEnd - start,
    lines,
  };
}

/** Lines with their newlines, so that a last line without one differs from one with it. */
function splitLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? [];
}
