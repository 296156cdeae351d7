/** Lines of a longer value that are this long (UTF-16 units) tell something by themselves. */
const NOTABLE_LINE = 8;
/** Every key and every certificate has these lines. */
const PEM_BORDER = /^-----(?:BEGIN|END) [A-Z0-9 ]{1,40}-----$/;

/**
 * Texts that give a value away although they are not the value: a line of it, and the encodings in which configuration
 * holds values. An encoding together with other bytes (`user:password` in base64) looks different, and is not among them.
 */
export function otherForms(value: Buffer): string[] {
  const text = value.toString('utf8');
  if (text === '') return [];
  const lines = text.split('\n').filter((line) => line.length >= NOTABLE_LINE && !PEM_BORDER.test(line));
  const forms = [
    ...lines,
    value.toString('base64').replace(/=+$/, ''),
    value.toString('base64url'),
    value.toString('hex'),
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
  ];
  return [...new Set(forms)].filter((form) => form !== text);
}
