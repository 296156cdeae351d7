import { leftText } from '../../engine/left-item.js';
import type { Change, HostPlan } from '../../engine/model.js';
import type { DesiredOptions } from '../desired.js';
import { EXIT, worstOf, type ExitCode } from '../exit-code.js';
import { readPlans } from '../read-plans.js';
import type { CommonOptions, Shell } from '../shell.js';
import { byHost, changeJson, jsonText } from '../text/plan-json.js';
import { needsWork } from '../text/plan.js';
import { plural, styleFor, visible, type Style } from '../text/style.js';

/** `citadel-iac verify [host…]`: is each host what it should be? One line per difference; writes nothing on any host. */
export async function verify(
  shell: Shell,
  names: readonly string[],
  options: CommonOptions & DesiredOptions,
): Promise<ExitCode> {
  const { fleet, plans, failed } = await readPlans(shell, names, options);
  try {
    if (options.json === true) shell.out.write(jsonText({ hosts: byHost(plans, verdictJson) }));
    else {
      const style = styleFor(shell.out, shell, options);
      for (const plan of plans) shell.out.write(verdictText(plan, style));
    }
    return worstOf([
      ...failed.map((): ExitCode => EXIT.error),
      ...plans.map((plan) => (needsWork(plan) ? EXIT.differs : EXIT.ok)),
    ]);
  } finally {
    await fleet.close();
  }
}

function verdictJson(plan: HostPlan): object {
  return {
    digest: plan.digest,
    generation: plan.observed.generation,
    equal: !needsWork(plan),
    changes: plan.changes.map(changeJson),
    owed: plan.observed.debts,
    ...(plan.observed.open !== null && { open: plan.observed.open }),
  };
}

/** One line for a host that is well, and one more for each thing that is not. */
export function verdictText(plan: HostPlan, style: Style): string {
  const { generation, debts, open } = plan.observed;
  const at = generation === null ? 'never applied' : `generation ${generation}`;
  const name = style.bold(plan.host);
  if (!needsWork(plan))
    return `${name}: ${style.green('equal')} (${at}, digest ${plan.digest.slice(0, 12)})\n`;
  const unfinished =
    open !== null && !open.running
      ? [
          `an unfinished transaction of ${open.who}, since ${open.since}`,
          ...(open.left ?? []).map((item) => `not undone: ${leftText(item)}`),
        ]
      : [];
  const lines = [
    ...plan.changes.map(
      (change) =>
        `  ${change.section} ${visible(change.key)}: ${differenceOf(change)} ${style.dim(`(${change.cause})`)}`,
    ),
    ...debts.map((debt) => `  still owed by an earlier run: ${visible(debt)}`),
    ...unfinished.map((text) => `  ${visible(text)}`),
  ];
  const count = lines.length === 0 ? 'units to start or stop' : plural(lines.length, 'difference');
  const advice = unfinished.length === 0 ? [] : [`  how to end it: citadel-iac resolve ${plan.host}`];
  return `${name}: ${style.red('differs')} (${at}): ${count}\n${[...lines, ...advice].map((line) => `${line}\n`).join('')}`;
}

function differenceOf(change: Change): string {
  if (change.action === 'create') return 'is missing';
  if (change.action === 'delete') return 'should not be there any more';
  return 'is different';
}
