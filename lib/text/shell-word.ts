/**
 * One word of a POSIX shell command line that stands for exactly this text. Plain words stay bare; inside single quotes
 * nothing is special, and a single quote itself is put between two quoted pieces.
 *
 * @throws RangeError for a NUL character, which no argument can hold
 */
export function shellWord(text: string): string {
  if (text.includes('\0')) throw new RangeError('a shell word cannot hold a NUL character');
  return /^[A-Za-z0-9_./:,@+-]+$/.test(text) ? text : quotedShellWord(text);
}

/** The same, in quotes whatever it is: for text that is no command line (`NAME='…'`). */
export function quotedShellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
