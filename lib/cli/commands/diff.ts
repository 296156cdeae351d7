import type { DesiredOptions } from '../desired.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { readPlans } from '../read-plans.js';
import type { CommonOptions, Shell } from '../shell.js';
import { jsonText, plansJson } from '../text/plan-json.js';
import { needsWork, planText } from '../text/plan.js';
import { styleFor } from '../text/style.js';

/** `citadel-iac diff [host…]`: what an apply would do. Writes nothing on any host. */
export async function diff(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ExitCode> {
  const { fleet, plans, failed } = await readPlans(shell, names, options);
  try {
    if (options.json === true) {
      shell.out.write(jsonText(plansJson(plans)));
    } else {
      const style = styleFor(shell.out, shell, options);
      for (const plan of plans) {
        const { description: where } = await fleet.transport(plan.host);
        shell.out.write(`${planText(plan, { where }, style)}\n`);
      }
    }
    return worstOf([
      ...failed.map((): ExitCode => EXIT.error),
      ...plans.map((plan) => (needsWork(plan) ? EXIT.differs : EXIT.ok)),
    ]);
  } finally {
    await fleet.close();
  }
}
