import type { InventorySource } from '../inventory/index.js';
import { CitadelError, hopsOf, type Problem, type Target } from '../manifest/index.js';
import { hostPort } from '../text/address.js';

type SshWay = Extract<Target, { address: string }>;

/** What of the inventory has to do with a log-in that failed, by the problem's code. */
const KEYS: Readonly<Record<string, readonly (keyof SshWay)[]>> = {
  'ssh.host-key': ['hostKeys'],
  'ssh.identity': ['identityFile'],
  'ssh.auth': ['identityFile', 'user'],
};

/** True for a problem of a machine in between. */
export function isOfJumpHost({ path }: Problem, host: string): boolean {
  return path === `${host} via jump host`;
}

/** An error of the way to a host, with where in the inventory that way is written; any other as it is. */
export function withSshPlace(error: unknown, host: string, target: Target, source: InventorySource): unknown {
  if (!(error instanceof CitadelError) || 'root' in target) return error;
  const problems = error.problems.map((problem) => {
    const place = placeOf(problem, host, target);
    if (place === undefined) return problem;
    const { file, targetsFile } = source;
    const also = targetsFile?.found === true ? `, or ${targetsFile.path}` : '';
    return { ...problem, fix: `${problem.fix} (${place} of ${file}${also})` };
  });
  return new CitadelError(problems, { cause: error });
}

function placeOf(problem: Problem, host: string, target: SshWay): string | undefined {
  const keys = KEYS[problem.code];
  if (!isOfJumpHost(problem, host)) return keys && `hosts.${host}.ssh${keyOf(keys, target)}`;
  const hops = hopsOf(target);
  const at = hops.findIndex(({ user, address, port }) =>
    problem.got.startsWith(`${user}@${hostPort(address, port)}: `),
  );
  const hop = hops[at];
  const jump = `hosts.${host}.ssh.jump${Array.isArray(target.jump) && at >= 0 ? `[${String(at)}]` : ''}`;
  return keys === undefined || hop === undefined ? jump : `${jump}${keyOf(keys, hop)}`;
}

/** The first of the keys that is written; one that nothing is written of is asked of the agent, or not pinned. */
function keyOf(keys: readonly (keyof SshWay)[], way: Partial<SshWay>): string {
  const key = keys.find((each) => way[each] !== undefined);
  return key === undefined ? '' : `.${key}`;
}
