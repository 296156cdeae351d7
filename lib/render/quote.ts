import { shellWord as bareOrQuoted } from '../text/shell-word.js';
import { RenderError, requirePlain, shown } from './error.js';

/** One word for a POSIX shell: it arrives as the same bytes, whatever is in it. Plain words stay bare. */
export function shellWord(text: string): string {
  if (text.includes('\0')) {
    throw new RenderError(
      'render.shell.nul',
      'shell word',
      `${shown(text)} has a NUL character`,
      'Take it out',
    );
  }
  return bareOrQuoted(text);
}

/** A TOML value: basic strings, numbers, booleans and arrays of them. */
export function tomlValue(value: string | number | boolean | readonly (string | number | boolean)[]): string {
  if (typeof value === 'string') return jsonString('toml', value);
  if (typeof value === 'number') return finite('toml', value);
  if (typeof value === 'boolean') return String(value);
  return `[${value.map(tomlValue).join(', ')}]`;
}

/** A Python literal: string, number, `True`, `False`, `None` or a list of them. */
export function pythonLiteral(
  value: string | number | boolean | null | readonly (string | number | boolean | null)[],
): string {
  if (value === null) return 'None';
  if (typeof value === 'string') return jsonString('python', value);
  if (typeof value === 'number') return finite('python', value);
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return `[${value.map(pythonLiteral).join(', ')}]`;
}

/**
 * A value after `key =` of an INI file. The dialects disagree about quotes, comments and interpolation, so whatever one
 * of them would read otherwise is refused.
 */
export function iniValue(value: string | number | boolean): string {
  const text = typeof value === 'number' ? finite('ini', value) : String(value);
  requirePlain('render.ini', 'INI value', text);
  if (/^\s|\s$|[;#`]|^["']|\$\{|\$__|%\(|\\$/.test(text)) {
    throw new RenderError(
      'render.ini.ambiguous',
      'INI value',
      `${shown(text)} is read differently by different programs`,
      'Pass it another way: an environment variable, or a file that the program reads',
    );
  }
  return text;
}

/** JSON's escapes are those of TOML's basic strings and of Python's literals, but for DEL, which TOML wants escaped. */
function jsonString(language: string, text: string): string {
  if (!text.isWellFormed()) {
    throw new RenderError(
      `render.${language}.unicode`,
      `${language} string`,
      `${shown(text)} is not well-formed Unicode`,
      'Correct the text',
    );
  }
  return JSON.stringify(text).replaceAll('\u007f', String.raw`\u007f`);
}

function finite(language: string, value: number): string {
  if (Number.isFinite(value)) return String(value);
  throw new RenderError(
    `render.${language}.number`,
    `${language} number`,
    `${value} is not a number`,
    'Give a finite number',
  );
}
