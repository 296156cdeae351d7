import { Duration, type Size } from '../../constructs/units.js';

/** Imports, compilation, CUDA graphs and a first measuring run: what a start takes whatever the weights. */
const FIXED_SEC = 300;
/** Weights as read from a cold and slow disk: 100 MiB/s. */
const MEBIBYTES_PER_SEC = 100;
const MEBIBYTE = 1024 ** 2;

/**
 * How long a model may take until it answers: five minutes, and its weights at 100 MiB/s, in whole minutes.
 *
 *     loadTime(Size.gibibytes(23)).toString()   // '9m': 300 s + 236 s
 */
export function loadTime(weights: Size): Duration {
  const seconds = FIXED_SEC + weights.toBytes() / MEBIBYTE / MEBIBYTES_PER_SEC;
  return Duration.minutes(Math.ceil(seconds / 60));
}
