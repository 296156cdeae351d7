import { CitadelError } from '../../manifest/problem.js';

/** The stack of all hosts. */
const ALL = 'hosts';

/**
 * Which stack each host is in: one of its own, named after it; one for all; or the one of its group.
 *
 * @param choice `host`, `all`, or groups as `@web,@db`, whose other hosts have stacks of their own
 * @param groups the hosts of each group of the inventory
 * @throws CitadelError for a group that there is not, a host in two of them, and two stacks of one name
 */
export function stackNames(
  choice: string,
  hosts: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): ReadonlyMap<string, string> {
  if (choice === 'host') return new Map(hosts.map((host) => [host, host]));
  if (choice === 'all') return new Map(hosts.map((host) => [host, ALL]));
  const named = choice.split(',').map((word) => word.slice(1));
  for (const group of named) {
    if (!Object.hasOwn(groups, group)) throw refused(`there is no group "${group}" in the inventory`);
    if (hosts.includes(group))
      throw refused(`the group "${group}" has the name of a host, whose stack it would be`);
  }
  return new Map(hosts.map((host) => [host, stackOf(host, named, groups)]));
}

function stackOf(
  host: string,
  named: readonly string[],
  groups: Readonly<Record<string, readonly string[]>>,
): string {
  const [first, second] = named.filter((group) => groups[group]?.includes(host) === true);
  if (second !== undefined) throw refused(`the host "${host}" is in "${String(first)}" and in "${second}"`);
  return first ?? host;
}

function refused(got: string): CitadelError {
  const fix =
    'Name groups of the inventory that have no host in common, or leave it out: a stack for each host.';
  return new CitadelError({ code: 'synth.stacks', path: 'CITADEL_STACKS', got, fix });
}
