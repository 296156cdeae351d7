/**
 * A value that cannot be written as the text that was asked for. Same data as the product's `Problem`, without a path:
 * who asked knows where the value came from.
 */
export class RenderError extends Error {
  /** Stable identifier of the rule, for example `render.unit.newline`. */
  readonly code: string;
  /** The part that is wrong, for example `Service.ExecStart`. */
  readonly property: string;
  readonly got: string;
  readonly fix: string;

  constructor(code: string, property: string, got: string, fix: string, options?: ErrorOptions) {
    super(`${property}: ${got}. ${fix}.`, options);
    this.name = 'RenderError';
    this.code = code;
    this.property = property;
    this.got = got;
    this.fix = fix;
  }
}

/** JSON of a text, cut at 60 characters, for messages. */
export function shown(text: string): string {
  const json = JSON.stringify(text);
  return json.length > 60 ? `${json.slice(0, 57)}…` : json;
}

// eslint-disable-next-line no-control-regex -- the rule is about control characters
const CONTROL = /[\u0000-\u001f\u007f]/;
// eslint-disable-next-line no-control-regex -- the same without the tabulator
const CONTROL_BUT_TAB = /[\u0000-\u0008\u000a-\u001f\u007f]/;

/** Refuses line ends, NUL, other control characters and half surrogates: they would end a line, or the file. */
export function requirePlain(
  code: string,
  property: string,
  text: string,
  options?: { readonly tab?: boolean },
): void {
  if (/[\n\r]/.test(text)) {
    throw new RenderError(
      `${code}.newline`,
      property,
      `${shown(text)} has a line end inside`,
      'Give one line',
    );
  }
  const control = options?.tab === true ? CONTROL_BUT_TAB : CONTROL;
  if (control.test(text)) {
    throw new RenderError(
      `${code}.control`,
      property,
      `${shown(text)} has a control character`,
      'Take it out',
    );
  }
  if (!text.isWellFormed()) {
    throw new RenderError(
      `${code}.unicode`,
      property,
      `${shown(text)} is not well-formed Unicode`,
      'Correct the text',
    );
  }
}
