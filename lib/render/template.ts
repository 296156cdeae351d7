import ejs from 'ejs';
import { errorMessage } from '../text/error-message.js';
import { RenderError, shown } from './error.js';
import { iniValue, pythonLiteral, shellWord, tomlValue } from './quote.js';

/** Text that a template may print as it is: quoted for the language of the file, or said to be `raw`. */
export class TemplateText {
  constructor(readonly text: string) {}
}

export interface Template {
  /** For messages: the file's path below `templates/`. */
  readonly name: string;
  readonly text: string;
}

/**
 * What every template can call, next to its values. Each quotes for one language:
 *
 * - `sh(x)` one word of a POSIX shell, or several for an array; `toml(x)`, `python(x)`, `json(x)` a literal; `ini(x)` a value
 * - `raw(x)` as it is: for text that is already in the language of the file
 */
const HELPERS = {
  sh: (value: unknown) =>
    quoted(
      Array.isArray(value)
        ? value.map((each) => shellWord(scalar(each))).join(' ')
        : shellWord(scalar(value)),
    ),
  toml: (value: Parameters<typeof tomlValue>[0]) => quoted(tomlValue(value)),
  python: (value: Parameters<typeof pythonLiteral>[0]) => quoted(pythonLiteral(value)),
  ini: (value: Parameters<typeof iniValue>[0]) => quoted(iniValue(value)),
  json: (value: unknown) => quoted(JSON.stringify(value)),
  raw: (value: unknown) => quoted(value instanceof TemplateText ? value.text : scalar(value)),
};

/**
 * Fills an EJS template. Strict: a name that is neither a value nor a helper is an error, as is a value that would print
 * as nothing. `<%= x %>` takes numbers, booleans and quoted texts (`<%= sh(x) %>`) and refuses bare strings, because what
 * quoting they need depends on the file; `<%- x %>` is `<%= raw(x) %>`. Templates cannot include others.
 *
 * @throws RenderError naming the template and, where it is one, the variable
 */
export function renderTemplate(template: Template, values: Readonly<Record<string, unknown>>): string {
  const names = Object.keys(values);
  for (const name of names) {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name) || Object.hasOwn(HELPERS, name)) {
      throw new RenderError(
        'render.template.value-name',
        template.name,
        `${shown(name)} cannot name a value${Object.hasOwn(HELPERS, name) ? ', it is a helper' : ''}`,
        'Use another name, of letters, digits and "_"',
      );
    }
  }
  // EJS gives no say over `<%-`, so it becomes a call of ours; the line end keeps a trailing comment from swallowing it.
  const source = template.text.replace(/<%-([\s\S]*?)([-_]?)%>/g, '<%= raw($1\n) $2%>');
  try {
    const render = ejs.compile(source, {
      strict: true,
      destructuredLocals: [...Object.keys(HELPERS), ...names],
      escape: (value) => print(value),
      filename: HERE,
    });
    return render({ ...HELPERS, ...values });
  } catch (error) {
    throw explain(template, error);
  }
}

/** Stands for the template in EJS's messages, which pass their file name through `escape`; no value contains it. */
const HERE = '\0template';

function quoted(text: string): TemplateText {
  return new TemplateText(text);
}

/** Text of a value that has exactly one; `undefined` or an object in a file is always a mistake. */
function scalar(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'boolean') return String(value);
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  throw new RenderError(
    'render.template.value',
    'value',
    `${value === undefined ? 'undefined' : ((JSON.stringify(value) as string | undefined) ?? typeof value)} cannot be printed`,
    'Print a string, a number or a boolean',
  );
}

function print(value?: unknown): string {
  if (value instanceof TemplateText) return value.text;
  if (value === HERE) return HERE;
  if (typeof value === 'string') {
    throw new RenderError(
      'render.template.unquoted',
      'value',
      `${shown(value)} is not quoted`,
      'Print it by sh(), toml(), python(), ini() or json(), or by raw() if it needs no quotes',
    );
  }
  return scalar(value);
}

/** EJS puts the template's name, line and surroundings before the message of whatever was thrown. */
function explain(template: Template, error: unknown): RenderError {
  const message = errorMessage(error);
  const line = /^\0template:(\d+)\n/.exec(message)?.[1];
  const at = line === undefined ? template.name : `${template.name}:${line}`;
  const missing = /(?:^|\n)(\w+) is not defined/.exec(message)?.[1];
  if (missing !== undefined) {
    return new RenderError(
      'render.template.unknown-variable',
      at,
      `${missing} is not a value of this template`,
      'Pass it, or correct its name',
      { cause: error },
    );
  }
  if (error instanceof RenderError)
    return new RenderError(error.code, at, error.got, error.fix, { cause: error });
  const lines = message.trim().split('\n');
  const last = (error instanceof SyntaxError ? lines[0] : lines.at(-1)) ?? '';
  return new RenderError('render.template.failed', at, last, 'Correct the template', { cause: error });
}
