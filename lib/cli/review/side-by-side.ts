import { diffWordsWithSpace, parsePatch } from 'diff';

/** A piece of a line; `changed` is what the other side has not. */
export interface Piece {
  readonly text: string;
  readonly changed: boolean;
}

export interface DiffLine {
  readonly number: number;
  readonly pieces: readonly Piece[];
  /** True for the last line of a file that ends without a line end. */
  readonly open: boolean;
}

/** One row of two columns. Both sides with `same` are the same line. */
export interface DiffRow {
  readonly old?: DiffLine;
  readonly now?: DiffLine;
  readonly same: boolean;
}

export interface DiffPart {
  /** `@@ -1,2 +1,3 @@` */
  readonly heading: string;
  readonly rows: readonly DiffRow[];
}

/** Lines beyond which words are not compared. */
const LONGEST_LINE = 2000;
/** Edits beyond which the words of two lines have too little in common. */
const MOST_EDITS = 120;

/** A unified diff as rows of two columns: lines that took each other's place stand next to each other, word by word. */
export function sideBySide(unified: string): DiffPart[] {
  // The two lines with names are left out: paths may hold what a patch has a meaning for.
  const start = unified.search(/^@@/m);
  if (start < 0) return [];
  return parsePatch(unified.slice(start)).flatMap(({ hunks }) =>
    hunks.map((hunk) => ({
      heading: `@@ -${hunk.oldStart},${hunk.oldLines} +${hunk.newStart},${hunk.newLines} @@`,
      rows: rowsOf(hunk.lines, hunk.oldStart, hunk.newStart),
    })),
  );
}

interface Plain {
  readonly number: number;
  readonly text: string;
  open: boolean;
}

function rowsOf(lines: readonly string[], oldStart: number, newStart: number): DiffRow[] {
  const rows: DiffRow[] = [];
  let [oldNumber, newNumber] = [oldStart, newStart];
  let removed: Plain[] = [];
  let added: Plain[] = [];
  let last: Plain[] = [];
  const flush = (): void => {
    for (let index = 0; index < Math.max(removed.length, added.length); index += 1)
      rows.push(pairOf(removed[index], added[index]));
    removed = [];
    added = [];
  };
  let same: [Plain, Plain] | undefined;
  const endSame = (): void => {
    if (same !== undefined)
      rows.push({ old: wholeLine(same[0], false), now: wholeLine(same[1], false), same: true });
    same = undefined;
  };
  for (const line of lines) {
    const text = line.slice(1);
    if (line.startsWith('\\')) {
      for (const plain of last) plain.open = true;
      continue;
    }
    endSame();
    if (line.startsWith('-')) {
      if (added.length > 0) flush();
      last = [{ number: oldNumber++, text, open: false }];
      removed.push(...last);
    } else if (line.startsWith('+')) {
      last = [{ number: newNumber++, text, open: false }];
      added.push(...last);
    } else {
      flush();
      same = [
        { number: oldNumber++, text, open: false },
        { number: newNumber++, text, open: false },
      ];
      last = same;
    }
  }
  endSame();
  flush();
  return rows;
}

function wholeLine({ number, text, open }: Plain, changed: boolean): DiffLine {
  return { number, pieces: [{ text, changed }], open };
}

function pairOf(old: Plain | undefined, now: Plain | undefined): DiffRow {
  const pieces = old === undefined || now === undefined ? undefined : wordsOf(old.text, now.text);
  const side = (plain: Plain | undefined, own: readonly Piece[] | undefined): DiffLine | undefined =>
    plain &&
    (own === undefined ? wholeLine(plain, false) : { number: plain.number, pieces: own, open: plain.open });
  const [left, right] = [side(old, pieces?.old), side(now, pieces?.now)];
  return {
    ...(left !== undefined && { old: left }),
    ...(right !== undefined && { now: right }),
    same: false,
  };
}

/** The pieces of two lines, or `undefined` where they have too little in common for that to help. */
function wordsOf(old: string, now: string): { old: Piece[]; now: Piece[] } | undefined {
  if (old.length > LONGEST_LINE || now.length > LONGEST_LINE) return undefined;
  const changes = diffWordsWithSpace(old, now, { maxEditLength: MOST_EDITS });
  if (changes === undefined) return undefined;
  const kept = changes
    .filter(({ added, removed }) => !added && !removed)
    .map(({ value }) => value.trim().length);
  const common = kept.reduce((a, b) => a + b, 0);
  if (common * 3 < Math.max(old.trim().length, now.trim().length)) return undefined;
  return {
    old: changes
      .filter(({ added }) => !added)
      .map(({ value, removed }) => ({ text: value, changed: removed })),
    now: changes
      .filter(({ removed }) => !removed)
      .map(({ value, added }) => ({ text: value, changed: added })),
  };
}
