import type { HostPlan } from '../../engine/model.js';
import { needsApply, planText, type PlanHeading } from './plan.js';
import { hostsText } from './hosts.js';
import type { Style } from './style.js';

/** Up to so many hosts each is shown by itself. */
const FEW = 4;

/**
 * Plans as a person reads them. Of many hosts: a line of summary first, then what is the same on several hosts once, and
 * those with nothing to do in one line.
 *
 * @param heading of one host's plan
 */
export function plansText(
  plans: readonly HostPlan[],
  heading: (host: string) => PlanHeading,
  style: Style,
): string {
  if (plans.length <= FEW)
    return plans.map((plan) => `${planText(plan, heading(plan.host), style)}\n`).join('');
  const groups = new Map<string, HostPlan[]>();
  for (const plan of plans) {
    const text = planText({ ...plan, host: '' }, { where: '', generation: false }, style);
    groups.set(text, [...(groups.get(text) ?? []), plan]);
  }
  const [changed, idle] = [true, false].map((works) =>
    [...groups.values()].filter((group) => group.some(isWorthShowing) === works),
  ) as [HostPlan[][], HostPlan[][]];
  const texts = changed.map((group) => {
    const [plan] = group as [HostPlan];
    if (group.length === 1) return planText(plan, heading(plan.host), style);
    const host = hostsText(group.map((each) => each.host));
    return planText(
      { ...plan, host },
      { where: `${String(group.length)} hosts, the same on each`, generation: false },
      style,
    );
  });
  const equal = idle.flat().map(({ host }) => host);
  const differing = plans.length - equal.length;
  const summary = `${String(plans.length)} hosts: ${String(equal.length)} with nothing to do, ${String(differing)} with something to see below`;
  const rest = equal.length === 0 ? '' : `${style.green('Nothing to do')} on ${hostsText(equal)}.\n`;
  return `${style.bold(summary)}\n\n${texts.map((text) => `${text}\n`).join('')}${rest}`;
}

/** A host that has nothing to do may still have something to say. */
export function isWorthShowing(plan: HostPlan): boolean {
  return needsApply(plan) || plan.notes.length > 0 || plan.observed.open !== null;
}
