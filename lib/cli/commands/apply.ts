import { carryOut, type CarryOutOptions } from '../carry-out.js';
import type { DesiredOptions } from '../desired.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { readPlans } from '../read-plans.js';
import { recoverFirst } from '../recover-first.js';
import type { Shell } from '../shell.js';

/**
 * `citadel-iac apply [host…]`: makes each host what it should be, in one transaction per host. A host that cannot be
 * read is left alone and makes the exit status 1; it does not keep the others from what they need.
 */
export async function apply(
  shell: Shell,
  names: readonly string[],
  options: CarryOutOptions & DesiredOptions,
): Promise<ExitCode> {
  const { fleet, plans, failed } = await readPlans(shell, names, options);
  try {
    for (const host of failed) shell.err.write(`${host} could not be read and is left alone.\n`);
    const whole = await recoverFirst(shell, fleet, plans, options);
    if (whole === undefined) {
      shell.err.write('Nothing was changed.\n');
      return EXIT.error;
    }
    if (whole.plans.length === 0) return EXIT.error;
    const code = await carryOut(shell, fleet, whole.plans, options, 'Apply');
    return failed.length + whole.failed.length === 0 ? code : worstOf([code, EXIT.error]);
  } finally {
    await fleet.close();
  }
}
