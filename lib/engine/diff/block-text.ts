/**
 * Our blocks in a file that is shared with others. Texts here hold one character for each byte (latin1), so that
 * foreign lines stay as they are, byte for byte, whatever their encoding.
 */
const BEGIN = '# BEGIN citadel-iac ';
const END = '# END citadel-iac ';

/** A block’s text as it stands between its markers: it ends with a newline, unless it is empty. */
export function normalBlock(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** A block of the file. */
export interface FoundBlock {
  readonly name: string;
  /** What stands between the markers. */
  readonly text: string;
  /** Where the first marker begins and the last one ends, in characters. */
  readonly start: number;
  readonly end: number;
  /** False when its last marker is missing: someone edited the file. */
  readonly closed: boolean;
}

/**
 * The blocks of a file. A block whose end marker is missing takes as many of the lines after its first marker as are
 * those of `texts`; an end marker that belongs to no block is an unclosed block of its own, without text.
 *
 * @param texts the text that each block should have, or had
 */
export function findBlocks(content: string, texts: ReadonlyMap<string, string>): FoundBlock[] {
  const lines = linesWithOffsets(content);
  const blocks: FoundBlock[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as OffsetLine;
    const stray = markerName(line.text, END);
    if (stray !== undefined) {
      blocks.push({ name: stray, text: '', start: line.start, end: line.end, closed: false });
      continue;
    }
    const name = markerName(line.text, BEGIN);
    if (name === undefined) continue;
    const last = endOfBlock(lines, index, name);
    if (last !== undefined) {
      const end = lines[last] as OffsetLine;
      const text = content.slice(line.end, end.start);
      blocks.push({ name, text, start: line.start, end: end.end, closed: true });
      index = last;
      continue;
    }
    const end = endOfKnownLines(lines, index, texts.get(name) ?? '');
    blocks.push({ name, text: content.slice(line.end, end), start: line.start, end, closed: false });
    while ((lines[index + 1]?.end ?? Infinity) <= end) index += 1;
  }
  return blocks;
}

/**
 * The file’s content with exactly the wanted blocks: those that are there are replaced where they stand, others are
 * added at the end by name, second copies and those of `remove` go. Everything else stays byte for byte; only a last
 * line without a newline gets one when a block comes after it.
 */
export function replaceBlocks(
  content: string,
  wanted: ReadonlyMap<string, string>,
  remove: ReadonlySet<string>,
): string {
  let result = '';
  let position = 0;
  const placed = new Set<string>();
  for (const block of findBlocks(content, wanted)) {
    const text = wanted.get(block.name);
    if (text === undefined && !remove.has(block.name)) continue;
    result += content.slice(position, block.start);
    position = block.end;
    if (text === undefined || placed.has(block.name) || isStrayEnd(content, block)) continue;
    result += formatBlock(block.name, text);
    placed.add(block.name);
  }
  result += content.slice(position);
  for (const name of [...wanted.keys()].sort()) {
    if (placed.has(name)) continue;
    if (result !== '' && !result.endsWith('\n')) result += '\n';
    result += formatBlock(name, wanted.get(name) ?? '');
  }
  return result;
}

function formatBlock(name: string, text: string): string {
  return `${BEGIN}${name}\n${text}${END}${name}\n`;
}

interface OffsetLine {
  /** Without its newline. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

function linesWithOffsets(content: string): OffsetLine[] {
  const lines: OffsetLine[] = [];
  for (let start = 0; start < content.length;) {
    const newline = content.indexOf('\n', start);
    const end = newline === -1 ? content.length : newline + 1;
    lines.push({ text: content.slice(start, newline === -1 ? end : newline), start, end });
    start = end;
  }
  return lines;
}

function markerName(line: string, marker: string): string | undefined {
  return line.startsWith(marker) ? line.slice(marker.length) : undefined;
}

function isStrayEnd(content: string, block: FoundBlock): boolean {
  return !block.closed && content.startsWith(END, block.start);
}

/** Index of the end marker; a first marker that comes sooner, of whatever name, means that there is none. */
function endOfBlock(lines: readonly OffsetLine[], begin: number, name: string): number | undefined {
  for (let index = begin + 1; index < lines.length; index += 1) {
    const text = lines[index]?.text ?? '';
    if (markerName(text, END) === name) return index;
    if (text.startsWith(BEGIN) || text.startsWith(END)) return undefined;
  }
  return undefined;
}

function endOfKnownLines(lines: readonly OffsetLine[], begin: number, text: string): number {
  const known = text.split('\n');
  let index = begin;
  while (
    index + 1 < lines.length &&
    known[index - begin] === lines[index + 1]?.text &&
    index - begin < known.length - 1
  ) {
    index += 1;
  }
  return lines[index]?.end ?? 0;
}
