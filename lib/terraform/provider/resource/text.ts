import { findBlocks } from '../../../engine/diff/block-text.js';
import { secretReferences } from '../../../text/secret-reference.js';

/** Text as Terraform shows it best: a list of lines, of which it prints only the changed ones and their neighbours. */
export interface Lines {
  readonly lines: readonly string[];
  /** True where the last line does not end; `null` where it does, so that the usual case shows nothing. */
  readonly no_newline_at_end: true | null;
}

export function toLines(text: string): Lines {
  if (text === '') return { lines: [], no_newline_at_end: null };
  const lines = text.split('\n');
  if (lines.at(-1) !== '') return { lines, no_newline_at_end: true };
  return { lines: lines.slice(0, -1), no_newline_at_end: null };
}

/** `password = @@secret:db@@` → `password = <secret db>`: a name, and nothing that depends on the value. */
export function maskReferences(text: string): string {
  return text.replace(secretReferences(), '<secret $1>');
}

/** Our blocks in a shared file by name: what stands between complete pairs of our markers. */
export function blockTexts(file: Buffer | undefined): ReadonlyMap<string, string> {
  const blocks = findBlocks(file?.toString('latin1') ?? '', new Map()).filter((block) => block.closed);
  return new Map(blocks.map((block) => [block.name, Buffer.from(block.text, 'latin1').toString('utf8')]));
}

interface Hunk {
  /** Index of the first line on the new side, from 0. */
  readonly start: number;
  readonly body: readonly string[];
}

/**
 * The old side of a unified diff, from the diff and the new side's lines. Lines that did not change are spelled as
 * the new side spells them; lines that were taken out, as the diff does (a secret's old value as its token).
 *
 * @returns `undefined` when the text is not a unified diff that fits
 */
export function oldSide(diff: string, after: Lines): Lines | undefined {
  const hunks = parseHunks(diff);
  if (hunks === undefined || hunks.length === 0) return undefined;
  const lines: string[] = [];
  let position = 0;
  let oldMarker = false;
  let lastTouched = false;
  for (const hunk of hunks) {
    if (hunk.start < position || hunk.start > after.lines.length) return undefined;
    lines.push(...after.lines.slice(position, hunk.start));
    position = hunk.start;
    let previous = '';
    for (const line of hunk.body) {
      const sign = line[0] ?? ' ';
      if (sign === '\\') {
        oldMarker ||= previous === '-';
        continue;
      }
      previous = sign;
      if (sign === '-') {
        lines.push(line.slice(1));
        lastTouched ||= position >= after.lines.length;
        continue;
      }
      const kept = after.lines[position];
      if (kept === undefined) return undefined;
      position += 1;
      if (sign === ' ') lines.push(kept);
      else lastTouched ||= position >= after.lines.length;
    }
  }
  lines.push(...after.lines.slice(position));
  const unterminated = oldMarker || (!lastTouched && after.no_newline_at_end === true && lines.length > 0);
  return { lines, no_newline_at_end: unterminated ? true : null };
}

function parseHunks(diff: string): Hunk[] | undefined {
  const hunks: { start: number; body: string[] }[] = [];
  let oldLeft = 0;
  let newLeft = 0;
  for (const line of diff.split('\n')) {
    const current = hunks.at(-1);
    if (current !== undefined && (oldLeft > 0 || newLeft > 0)) {
      current.body.push(line === '' ? ' ' : line);
      if (line[0] !== '+' && line[0] !== '\\') oldLeft -= 1;
      if (line[0] !== '-' && line[0] !== '\\') newLeft -= 1;
      if (oldLeft < 0 || newLeft < 0) return undefined;
      continue;
    }
    if (line.startsWith('\\')) {
      current?.body.push(line);
      continue;
    }
    const header = /^@@ -\d+(?:,(\d+))? \+(\d+)(?:,(\d+))? @@/.exec(line);
    if (header === null) continue;
    oldLeft = Number(header[1] ?? 1);
    newLeft = Number(header[3] ?? 1);
    const first = Number(header[2]);
    // An empty side is numbered by the line before it.
    hunks.push({ start: newLeft === 0 ? first : first - 1, body: [] });
  }
  return oldLeft === 0 && newLeft === 0 ? hunks : undefined;
}
