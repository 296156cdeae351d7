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

/** One host's part of it. */
export function planJson({ digest, changes }: HostPlan): object {
  return { digest, changes: changes.map(changeJson) };
}

/** `{ "hosts": { "<host>": { "digest", "changes": […] } } }` */
export function plansJson(plans: readonly HostPlan[]): object {
  return { hosts: byHost(plans, planJson) };
}

/** How one host ended, and what was changed on it. */
export function resultJson({ plan, result }: { plan: HostPlan; result: ApplyResult }): object {
  const { outcome, generation, transaction, failure, next, notes } = result;
  return {
    outcome,
    generation,
    digest: plan.digest,
    ...(transaction !== undefined && { transaction }),
    changes: plan.changes.map(changeJson),
    ...(failure !== undefined && { failure }),
    next,
    notes,
  };
}

/** What `apply --json` prints: {@link resultJson} of each host, and the hosts where nothing was begun. */
export function resultsJson(
  results: readonly { plan: HostPlan; result: ApplyResult }[],
  notBegun: readonly string[],
): object {
  return {
    hosts: byHost(
      results.map(({ plan, result }) => ({ host: plan.host, plan, result })),
      resultJson,
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

/** One value on one line. */
export function jsonLine(value: unknown): string {
  return `${visibleJson(JSON.stringify(value))}\n`;
}
