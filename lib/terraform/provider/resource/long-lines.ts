import { sha256 } from '../../../manifest/canonical.js';

/** UTF-16 units beyond which no one reads a line; cdktf takes minutes to print one of a mebibyte. */
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
