import fc from 'fast-check';

/** Characters that mean something to some reader of what we write. */
const SPECIAL = [
  '"', "'", '`', '$', '$(', '${', '$$', '%', '%%', '%h', '%{', '\\', '\\\\', '\\n', '\\x41', '\n', '\r', '\t', ' ', '  ', ';', '#', '-', '--',
  '&', '|', '<', '>', '(', ')', '{', '}', '[', ']', '*', '?', '!', '~', '=', ':', ',', '@', '/', '.', '..', 'é', '漢', '🙂', '\u0001',
  '\u001b', '\u007f', '\u00a0', '\u2028', '\ufeff', 'a', 'HOME', '0',
]; // prettier-ignore

/** Any well-formed text without NUL, made mostly of characters that someone could take the wrong way. */
export const hostileText = fc
  .oneof(
    {
      weight: 4,
      arbitrary: fc.array(fc.constantFrom(...SPECIAL), { maxLength: 10 }).map((parts) => parts.join('')),
    },
    { weight: 1, arbitrary: fc.string({ unit: 'grapheme' }) },
  )
  .filter((text) => text.isWellFormed() && !text.includes('\0'));

/** The same on one line and without control characters. */
export const hostileLine = hostileText.map((text) =>
  // eslint-disable-next-line no-control-regex -- control characters are what is taken out
  text.replace(/[\u0000-\u001f\u007f]/g, '_'),
);
