import { visibleJson } from '../../text/visible.js';
import type { ApplyResult, Change, HostPlan } from '../../engine/model.js';
import { by } from '../../text/order.js';

/** One change as `diff --json` prints it; the members are a contract (docs/architecture.md). */
export function changeJson(change: Change): object {
  const { section, key, action, cause, before, after, diff, restarts } = change;
  return {
    section,
    key,
    action,
    cause,
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
    ...(diff !== undefined && { diff }),
    ...(restarts !== undefined && restarts.length > 0 && { restarts }),
  };
}

/** `{ "hosts": { "<host>": { "digest", "changes": […] } } }` */
export function plansJson(plans: readonly HostPlan[]): object {
  return { hosts: byHost(plans, (plan) => ({ digest: plan.digest, changes: plan.changes.map(changeJson) })) };
}

/** What `apply --json` prints: how each host ended, what was changed on it, and the hosts where nothing was begun. */
export function resultsJson(
  results: readonly { plan: HostPlan; result: ApplyResult }[],
  notBegun: readonly string[],
): object {
  return {
    hosts: byHost(
      results.map(({ plan, result }) => ({ host: plan.host, plan, result })),
      ({ plan, result: { outcome, generation, transaction, failure, next, notes } }) => ({
        outcome,
        generation,
        digest: plan.digest,
        ...(transaction !== undefined && { transaction }),
        changes: plan.changes.map(changeJson),
        ...(failure !== undefined && { failure }),
        next,
        notes,
      }),
    ),
    ...(notBegun.length > 0 && { notBegun }),
  };
}

export function byHost<T extends { host: string }>(
  items: readonly T[],
  describe: (item: T) => object,
): object {
  const sorted = [...items].sort(by(({ host }) => host));
  return Object.fromEntries(sorted.map((item) => [item.host, describe(item)]));
}

/** As every `--json` prints it: two spaces and one newline at the end, and nothing that a terminal would obey. */
export function jsonText(value: unknown): string {
  return `${visibleJson(JSON.stringify(value, null, 2))}\n`;
}
