import type { CommonOptions, Shell, Sink } from '../shell.js';

/**
 * Whether text for this stream is coloured. `--no-color` and NO_COLOR (any value, https://no-color.org) turn colour off
 * whatever else is said; then FORCE_COLOR turns it on (0 and false: off); without any of them, a terminal that can show
 * colours has them and a pipe or a file has none, wherever this runs: that it is CI is no reason.
 */
export function colourFor(sink: Sink, { env }: Pick<Shell, 'env'>, options: CommonOptions): boolean {
  if (options.color === false || isSet(env['NO_COLOR'])) return false;
  const force = env['FORCE_COLOR'];
  if (isSet(force)) return force !== '0' && force !== 'false';
  return sink.isTerminal && env['TERM'] !== 'dumb';
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}
