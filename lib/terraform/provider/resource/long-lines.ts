import type { CtyObject, CtyValue } from '../cty/value.js';
import { isObject } from '../cty/value.js';
import { sha256 } from '../../../manifest/canonical.js';

/** UTF-16 units beyond which nobody reads a line; cdktf takes minutes to print one of a mebibyte. */
const LONGEST = 4096;
const SHOWN = 200;

/**
 * A line as it is shown: of a very long one its beginning, how much more there is, and a digest of all of it, so that two
 * that differ look different.
 */
export function shortLine(line: string): string {
  if (line.length <= LONGEST) return line;
  const start = line.slice(0, SHOWN).toWellFormed();
  return `${start}<… ${line.length - SHOWN} more characters, sha256 of the line ${sha256(line).slice(0, 12)}>`;
}

/** A host's view, or any part of it that has texts, with their very long lines shortened. */
export function withShortLines<V extends Readonly<Record<'files' | 'blocks', CtyObject>>>(view: V): V {
  return { ...view, files: mapItems(view.files, shortFile), blocks: mapItems(view.blocks, shortBlocks) };
}

function shortFile(file: CtyValue): CtyValue {
  return isObject(file) ? { ...file, lines: shortLines(file['lines'] ?? null) } : file;
}

function shortBlocks(blocks: CtyValue): CtyValue {
  return isObject(blocks) ? mapItems(blocks, shortLines) : blocks;
}

function shortLines(lines: CtyValue): CtyValue {
  if (!Array.isArray(lines)) return lines;
  return lines.map((line: CtyValue) => (typeof line === 'string' ? shortLine(line) : line));
}

function mapItems(items: CtyObject, change: (item: CtyValue) => CtyValue): CtyObject {
  return Object.fromEntries(Object.entries(items).map(([key, item]) => [key, change(item)]));
}
