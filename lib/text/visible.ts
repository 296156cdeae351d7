/**
 * What a terminal would take as a command (control characters, with them every escape sequence), what reorders a line or is not
 * seen in it (Unicode's format characters: bidirectional controls, zero widths, soft hyphens, tags), what ends a line for some
 * readers only, and halves of surrogate pairs. Tabs are none of these.
 */
// eslint-disable-next-line no-control-regex -- the rule is about control characters
const UNSAFE = /[\p{Cf}\p{Cs}\p{Zl}\p{Zp}\u0000-\u0008\u000a-\u001f\u007f-\u009f]/gu;

/**
 * Text as it may be shown on one line, whoever wrote it: what is unsafe is written out (`\u001b`). Text that has been through it
 * stays as it is.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\n' ? '\\n' : escaped(char)));
}

/** As {@link visible}, for text of several lines: line ends stay. */
export function visibleLines(text: string): string {
  return text.replace(UNSAFE, (char) => (char === '\n' ? char : escaped(char)));
}

/** JSON that reads as the same values and may be shown: `JSON.stringify` itself writes out no more than U+0000 to U+001F. */
export function visibleJson(json: string): string {
  return json.replace(UNSAFE, (char) => {
    if (char === '\n') return char;
    return [...Array(char.length).keys()].map((at) => hexadecimal(char.charCodeAt(at))).join('');
  });
}

function escaped(char: string): string {
  const code = char.codePointAt(0) ?? 0;
  return code > 0xffff ? `\\u{${code.toString(16)}}` : hexadecimal(code);
}

function hexadecimal(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`;
}
