import { RenderError, requirePlain, shown } from './error.js';

/**
 * Text that is already in the syntax of a unit file: quoted, with every `%` that stands for itself doubled. Made by the
 * functions of this file; {@link UnitText.lines} are joined by a backslash at the line's end.
 */
export class UnitText {
  constructor(readonly lines: readonly string[]) {}

  toString(): string {
    return this.lines.join(' \\\n    ');
  }
}

/** A part of a command that systemd replaces at start: a `%` specifier or an environment variable. */
export class UnitReference {
  constructor(
    readonly text: string,
    readonly kind: 'specifier' | 'variable',
  ) {}
}

/**
 * Text in which `%` introduces a specifier of systemd.unit(5), as in `specifier('/run/user/%U')`. Everywhere else a
 * `%` stands for itself.
 */
export function specifier(text: string): UnitReference {
  return new UnitReference(text, 'specifier');
}

/** `${NAME}` in a command line: the service's environment variable, as one argument or as part of one. */
export function variable(name: string): UnitReference {
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new RenderError(
      'render.exec.variable',
      'variable',
      `${shown(name)} is not the name of an environment variable`,
      'Use letters, digits and "_", not starting with a digit',
    );
  }
  return new UnitReference(name, 'variable');
}

/** One argument; an array is its parts, put together without a space: `['--port=', variable('PORT')]`. */
export type ExecArgument = string | number | UnitReference | readonly (string | number | UnitReference)[];

export interface ExecOptions {
  /**
   * Special prefixes of systemd.service(5) before the program: `-` (failure does not count), `+` (full privileges),
   * `!`, `!!`, `:` (no variables). @default none
   */
  readonly prefix?: string;
}

const LINE_WIDTH = 100;

/**
 * A command for `ExecStart=` and its like, from an argument vector: every argument arrives at the program byte for
 * byte, whatever is in it. `$` and `%` stand for themselves except in {@link variable} and {@link specifier}. Long commands
 * are written one argument per line, so that a diff shows the argument that changed.
 *
 * @throws RenderError for a program that is neither an absolute path nor a plain name, and for NUL in an argument
 */
export function exec(argv: readonly ExecArgument[], options: ExecOptions = {}): UnitText {
  const { prefix = '' } = options;
  if (
    !/^(?:-|:|\+|!|!!)*$/.test(prefix) ||
    new Set(prefix.replace('!!', '2')).size !== prefix.replace('!!', '2').length
  ) {
    throw new RenderError(
      'render.exec.prefix',
      'prefix',
      `${shown(prefix)} is not a set of prefixes of a command`,
      'Use "-", ":", and one of "+", "!" and "!!"',
    );
  }
  const [program, ...args] = argv;
  const expands = !prefix.includes(':');
  const words = [
    programWord(program, prefix),
    ...args.map((arg, index) => argumentWord(arg, index + 1, expands)),
  ];
  const line = words.join(' ');
  if (line.length <= LINE_WIDTH || words.length < 3) return new UnitText([line]);
  return new UnitText(groupFlags(words));
}

/** `KEY=value` words for `Environment=`, one assignment each; values may hold anything but NUL. */
export function environment(variables: Readonly<Record<string, string | number>>): UnitText[] {
  return Object.keys(variables)
    .sort()
    .map((name) => {
      variable(name);
      return new UnitText([quoteAlways(`${name}=${variables[name] ?? ''}`, `Environment.${name}`)]);
    });
}

/** Words for keys that take a list separated by spaces, such as `ReadWritePaths=`: each is quoted where it must be. */
export function words(list: readonly string[]): UnitText {
  return new UnitText([
    list
      .map((word, index) => {
        requirePlain('render.words', `word ${index + 1}`, word);
        const text = word.replaceAll('%', '%%');
        return text === '' || needsQuotes(text) ? `"${text.replace(/["\\]/g, '\\$&')}"` : text;
      })
      .join(' '),
  ]);
}

/** Parts of a value that is not a command, for example `` unitText('/srv/', specifier('%i')) ``. */
export function unitText(...parts: readonly (string | number | UnitReference)[]): UnitText {
  return new UnitText([
    parts
      .map((part) => {
        if (!(part instanceof UnitReference)) return String(part).replaceAll('%', '%%');
        return part.kind === 'specifier' ? part.text : `\${${part.text}}`;
      })
      .join(''),
  ]);
}

function programWord(program: ExecArgument | undefined, prefix: string): string {
  const parts = partsOf(program ?? '');
  const text = parts.map((part) => (part instanceof UnitReference ? part.text : String(part))).join('');
  const variables = parts.some((part) => part instanceof UnitReference && part.kind === 'variable');
  const problem = variables
    ? 'is named by a variable, which systemd does not allow'
    : text.includes('$')
      ? 'has a "$" in its path'
      : /^(\/.*[^/]|[A-Za-z0-9._+][A-Za-z0-9._+-]*)$/s.test(text)
        ? undefined
        : 'is neither an absolute path nor a plain name';
  if (problem !== undefined) {
    throw new RenderError(
      'render.exec.program',
      'program',
      `${shown(text)} ${problem}`,
      'Give the absolute path of the program as the first argument',
    );
  }
  requirePlain('render.exec.program', 'program', text);
  // systemd looks for the prefix after it has taken the quotes away.
  return argumentWord([prefix, ...parts], 0, false);
}

function argumentWord(argument: ExecArgument, index: number, expands: boolean): string {
  const parts = partsOf(argument).map((part): [text: string, quote: boolean] => {
    if (part instanceof UnitReference && part.kind === 'variable') {
      if (!expands) {
        throw new RenderError(
          'render.exec.variable',
          `argument ${index}`,
          `\${${part.text}} is not replaced in a command with the prefix ":"`,
          'Take the prefix or the variable away',
        );
      }
      return [`\${${part.text}}`, false];
    }
    const text = part instanceof UnitReference ? part.text : String(part).replaceAll('%', '%%');
    const dollars = expands ? text.replaceAll('$', '$$$$') : text;
    return [escapeQuoted(dollars, `argument ${index}`), needsQuotes(dollars)];
  });
  const text = parts.map(([piece]) => piece).join('');
  return text === '' || parts.some(([, quote]) => quote) ? `"${text}"` : text;
}

function partsOf(argument: ExecArgument): readonly (string | number | UnitReference)[] {
  return typeof argument === 'string' || typeof argument === 'number' || argument instanceof UnitReference
    ? [argument]
    : argument;
}

/** Characters that mean nothing to systemd's word splitting, anywhere in a word. */
const SAFE = /^[A-Za-z0-9_@%$+=:,./~^?&<>(){}[\]*|!-]+$/;

function needsQuotes(text: string): boolean {
  return text !== '' && !SAFE.test(text);
}

const NAMED: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '"': '\\"',
  '\\': '\\\\',
};

/** The inside of a double-quoted word: systemd.syntax(7) reads C escapes there. */
function escapeQuoted(text: string, property: string): string {
  if (text.includes('\0')) {
    throw new RenderError('render.exec.nul', property, `${shown(text)} has a NUL character`, 'Take it out');
  }
  if (!text.isWellFormed()) {
    throw new RenderError(
      'render.exec.unicode',
      property,
      `${shown(text)} is not well-formed Unicode`,
      'Correct the text',
    );
  }
  // eslint-disable-next-line no-control-regex -- control characters are what is escaped
  return text.replace(/[\u0001-\u001f\u007f"\\]/g, (character) => {
    return NAMED[character] ?? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`;
  });
}

function quoteAlways(text: string, property: string): string {
  return `"${escapeQuoted(text.replaceAll('%', '%%'), property)}"`;
}

/** One line per argument, except that a flag keeps its value next to it: `--port 8000`. */
function groupFlags(all: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of all) {
    const last = lines.at(-1);
    const takesValue = last !== undefined && lines.length > 1 && /^--?[A-Za-z][A-Za-z0-9-]*$/.test(last);
    if (takesValue && !word.startsWith('-')) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return lines;
}
