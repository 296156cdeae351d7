import { carryOut, type CarryOutOptions } from '../carry-out.js';
import type { DesiredOptions } from '../desired.js';
import { EXIT, type ExitCode } from '../exit-code.js';
import { readPlans } from '../read-plans.js';
import type { Shell } from '../shell.js';

/** `citadel-iac apply [host…]`: makes each host what it should be, in one transaction per host. */
export async function apply(
  shell: Shell,
  names: readonly string[],
  options: CarryOutOptions & DesiredOptions,
): Promise<ExitCode> {
  const { fleet, plans, failed } = await readPlans(shell, names, options);
  try {
    if (failed.length > 0) {
      shell.err.write(
        'Nothing was changed on any host. Leave out the hosts that cannot be read, or mend them first.\n',
      );
      return EXIT.error;
    }
    return await carryOut(shell, fleet, plans, options, 'Apply');
  } finally {
    await fleet.close();
  }
}
