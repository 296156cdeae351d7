/**
 * The text files of a transaction: one record a line, fields separated by the unit separator (U+001F), which no value
 * of a manifest can hold. `remote/tx-*.sh` read them as data.
 */
export const UNIT_SEPARATOR = '\x1f';

export type Field = string | number | boolean | undefined;

/**
 * One line. `undefined` is an empty field.
 *
 * @throws Error when a field holds a control character: the manifest's schema should have refused it
 */
export function record(...fields: readonly Field[]): string {
  return `${fields.map(fieldText).join(UNIT_SEPARATOR)}\n`;
}

function fieldText(field: Field): string {
  const text = field === undefined ? '' : String(field);
  // eslint-disable-next-line no-control-regex -- the rule is about control characters
  if (/[\u0000-\u001f\u007f]/.test(text))
    throw new Error(`control character in a record: ${JSON.stringify(text)}`);
  return text;
}
