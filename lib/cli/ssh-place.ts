import type { InventorySource } from '../inventory/index.js';
import { CitadelError, hopsOf, type Problem, type Target } from '../manifest/index.js';
import { hostPort } from '../text/address.js';

type SshWay = Extract<Target, { address: string }>;

/** What of the inventory has to do with a way that failed, by the problem's code, where the problem itself does not say so. */
const ABOUT: Readonly<Record<string, readonly string[]>> = {
  'ssh.host-key': ['hostKeys'],
  'ssh.identity': ['identityFile'],
  'ssh.auth': ['user', 'identityFile'],
  'ssh.shell': ['user'],
  'ssh.start-up': ['user'],
};
/** Settings whose value is the name of a secret. */
const SECRETS = ['identityPassphrase', 'sudoPassword'];

/** True for a problem of a machine in between. */
export function isOfJumpHost({ path }: Problem, host: string): boolean {
  return path === `${host} via jump host`;
}

/** An error of the way to a host, with where in the inventory that way is written; any other as it is. */
export function withSshPlace(error: unknown, host: string, target: Target, source: InventorySource): unknown {
  if (!(error instanceof CitadelError)) return error;
  const problems = error.problems.map((problem) => {
    const places = new Set(placesOf(problem, host, target, source).map((keys) => shown(keys, source)));
    if (places.size === 0 || [...places].some((place) => problem.fix.includes(place))) return problem;
    return { ...problem, fix: `${problem.fix} (${[...places].join('; ')})` };
  });
  const same = problems.every((problem, index) => problem === error.problems[index]);
  return same ? error : new CitadelError(problems, { cause: error });
}

type Keys = readonly string[];

function placesOf(problem: Problem, host: string, target: Target, source: InventorySource): Keys[] {
  const secret = problem.code.startsWith('secret.') ? /^secrets\/(.*)$/.exec(problem.path)?.[1] : undefined;
  if (secret !== undefined) return [['secrets', secret]];
  if ('root' in target) return [];
  const about = problem.about ?? ABOUT[problem.code];
  const way = ['hosts', host, 'ssh'];
  if (!isOfJumpHost(problem, host)) {
    return about === undefined ? [] : settings(about, target, source, way, ['hosts', host, 'address']);
  }
  const hops = hopsOf(target);
  const at = hops.findIndex(({ user, address, port }) =>
    problem.got.startsWith(`${user}@${hostPort(address, port)}: `),
  );
  const hop = hops[at];
  const jump = [...way, 'jump', ...(Array.isArray(target.jump) && at >= 0 ? [String(at)] : [])];
  if (about === undefined || hop === undefined) return [jump];
  return settings(about, hop, source, jump, [...jump, 'address']);
}

/** Of each of them the first that is written; where none is, the whole way. */
function settings(
  about: readonly string[],
  way: Partial<SshWay>,
  source: InventorySource,
  at: Keys,
  address: Keys,
): Keys[] {
  const places = about.flatMap((each): Keys[] => {
    const names = each.split('|') as (keyof SshWay)[];
    const written = names.map((name) => ({ name, keys: name === 'address' ? address : [...at, name] }));
    const first = written.find(({ name, keys }) =>
      source.locate === undefined ? way[name] !== undefined : source.locate(keys) !== undefined,
    );
    if (first === undefined) return [];
    const secret = SECRETS.includes(first.name) ? way[first.name] : undefined;
    return typeof secret === 'string' ? [first.keys, ['secrets', secret]] : [first.keys];
  });
  return places.length === 0 ? [at] : places;
}

/** `hosts.web.ssh.user, citadel.yaml:3:12`. */
function shown(keys: Keys, { file, targetsFile, locate }: InventorySource): string {
  const name = keys.reduce((before, key) => (/^\d+$/.test(key) ? `${before}[${key}]` : `${before}.${key}`));
  // What nothing is written of would stand in what is.
  for (let above = keys; locate !== undefined && above.length > 1; above = above.slice(0, -1)) {
    const place = locate(above);
    if (place !== undefined) return `${name}, ${place}`;
  }
  const also = keys[0] === 'hosts' && targetsFile?.found === true ? `, or ${targetsFile.path}` : '';
  return `${name} of ${file}${also}`;
}
