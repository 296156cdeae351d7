import pc from 'picocolors';
import type { CommonOptions, Shell, Sink } from '../shell.js';
import { colourFor } from './colour.js';

type Paint = (text: string) => string;

/** The few ways in which text is set off. Each returns its text unchanged when colour is off. */
export interface Style {
  readonly bold: Paint;
  readonly dim: Paint;
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly cyan: Paint;
}

export function makeStyle(colour: boolean): Style {
  const { bold, dim, red, green, yellow, cyan } = pc.createColors(colour);
  return { bold, dim, red, green, yellow, cyan };
}

export const PLAIN = makeStyle(false);

export function styleFor(sink: Sink, shell: Pick<Shell, 'env'>, options: CommonOptions): Style {
  return makeStyle(colourFor(sink, shell, options));
}

// eslint-disable-next-line no-control-regex -- the rule is about control characters
const UNSAFE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

/**
 * Text as it may be shown: what a terminal would take as a command (escape sequences, backspaces, carriage returns)
 * and what would reorder a line (bidirectional controls) is written out. Tabs stay.
 */
export function visible(text: string): string {
  return text.replace(UNSAFE, (char) =>
    char === '\n' ? '\\n' : `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

export function plural(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
