import type { CommonOptions } from './shell.js';

/** Options of the commands that change hosts. */
export interface CarryOutOptions extends CommonOptions {
  readonly yes?: boolean;
  /** `--wait` alone, or with seconds. */
  readonly wait?: boolean | number;
}
