/**
 * One word of a POSIX shell command line that stands for exactly this text: inside single quotes nothing is special, and a
 * single quote itself is put between two quoted pieces.
 *
 * @throws RangeError for a NUL character, which no argument can hold
 */
export function quoteShellWord(text: string): string {
  if (text.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character');
  if (/^[A-Za-z0-9_./:@%+,-]+$/.test(text)) return text;
  return `'${text.replaceAll("'", "'\\''")}'`;
}
