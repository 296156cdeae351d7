import type { HostPlan } from '../../engine/model.js';
import { CitadelError, type Problem } from '../../manifest/index.js';
import type { SavedPlan } from './file.js';
import { documentDifferences, hostDifferences, recordOf } from './record.js';

/** More differences of one host are counted, not named. */
const NAMED = 12;

/**
 * The hosts of a saved plan that are meant: those named, or all.
 *
 * @throws CitadelError for a host that the plan does not have
 */
export function savedHosts(file: string, saved: SavedPlan, names: readonly string[]): string[] {
  const known = Object.keys(saved.hosts).sort();
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length === 0) return names.length === 0 ? known : known.filter((host) => names.includes(host));
  throw new CitadelError(
    unknown.map((host) => ({
      code: 'cli.plan.host',
      path: host,
      got: `is not in the plan ${file}, which has ${known.join(', ') || 'no host'}`,
      fix: 'Name a host of that plan, or save one of this host',
    })),
  );
}

/**
 * Refuses to go on when anything differs from what was reviewed: a host, or the document of one. Nothing is done on any
 * host then, because they were reviewed together.
 *
 * @param plans made just now
 * @throws CitadelError with a problem for each host that differs
 */
export function refuseOther(file: string, saved: SavedPlan, plans: readonly HostPlan[]): void {
  const problems = plans.flatMap((plan): Problem[] => {
    const record = saved.hosts[plan.host];
    if (record === undefined) return [];
    const again = `Nothing was changed. Review it again: "citadel-iac diff ${plan.host} --save ${file}"`;
    const now = recordOf(plan);
    if (record.digest !== now.digest) {
      const items = documentDifferences(record.document, plan.manifest);
      const what = items.length === 0 ? 'its digest is another one' : listed(items);
      return [
        {
          code: 'cli.plan.document',
          path: plan.host,
          got: `its document was changed after the plan was saved: ${what}`,
          fix: again,
        },
      ];
    }
    const open = openProblem(plan);
    if (open !== undefined) return [open];
    const differences = hostDifferences(record, now);
    if (differences.length === 0) return [];
    return [
      {
        code: 'cli.plan.host-changed',
        path: plan.host,
        got: `the host was changed after the plan was saved: ${listed(differences)}`,
        fix: again,
      },
    ];
  });
  if (problems.length > 0) throw new CitadelError(problems);
}

/** A host in the middle of a transaction is not one that a review can be about. */
export function refuseOpen(plans: readonly HostPlan[]): void {
  const problems = plans.flatMap((plan) => openProblem(plan) ?? []);
  if (problems.length > 0) throw new CitadelError(problems);
}

function openProblem({ host, observed: { open } }: HostPlan): Problem | undefined {
  if (open === null) return undefined;
  return {
    code: 'cli.plan.open',
    path: host,
    got: open.running
      ? `${open.who} is applying since ${open.since}`
      : `a transaction of ${open.who} from ${open.since} was interrupted (${open.state})`,
    fix: open.running
      ? 'Wait for its end, then review what it left to do'
      : `End it first ("citadel-iac resolve ${host}"), then review what is left to do`,
  };
}

function listed(items: readonly string[]): string {
  const more = items.length > NAMED ? ` and ${String(items.length - NAMED)} more` : '';
  return `${items.slice(0, NAMED).join(', ')}${more}`;
}
