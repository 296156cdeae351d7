import type { CommonOptions } from './shell.js';
import type { WaveOptions } from './waves.js';

/** Options of the commands that change hosts. */
export interface CarryOutOptions extends CommonOptions, WaveOptions {
  readonly yes?: boolean;
  /** `--wait` alone, or with seconds. */
  readonly wait?: boolean | number;
}
