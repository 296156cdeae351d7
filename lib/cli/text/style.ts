import pc from 'picocolors';
import type { CommonOptions, Shell, Sink } from '../shell.js';
import { colourFor } from './colour.js';

export { plural } from '../../text/plural.js';
export { visible } from '../../text/visible.js';

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
