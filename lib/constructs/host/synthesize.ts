import type { IConstruct } from 'constructs';
import { CitadelError, type HostManifest, type Problem } from '../../manifest/index.js';
import { by } from '../../text/order.js';
import { invokeAspects } from './aspects.js';
import { distinct, Host } from './host.js';
import { problemsOf } from './problems.js';
import { oncePerPass, validationPass } from './validation-pass.js';

/** The hosts of a tree, sorted by name. */
export function hostsIn(root: IConstruct): Host[] {
  return root.node
    .findAll()
    .filter(Host.isHost)
    .sort(by(({ hostName }) => hostName));
}

/**
 * Runs every validation of the tree (`construct.node.validate()`), and each host's manifest rules with them.
 *
 * @throws CitadelError once, with everything that was found in the whole tree, sorted by construct path
 */
export function validateTree(root: IConstruct): void {
  invokeAspects(root);
  const found = validationPass(() => root.node.findAll().flatMap((each) => oncePerPass(each, problemsOf)));
  const problems = distinct([...found, ...sameNames(hostsIn(root))]);
  if (problems.length > 0) throw new CitadelError(problems);
}

/**
 * One manifest per host of the tree, sorted by host name. Equal trees give equal bytes (`canonicalJson`), whatever the
 * order in which their constructs were created.
 *
 * @throws CitadelError as {@link validateTree}
 */
export function synthesizeHosts(root: IConstruct): HostManifest[] {
  invokeAspects(root);
  return validationPass(() => {
    validateTree(root);
    return hostsIn(root).map((host) => host.manifest());
  });
}

function sameNames(hosts: readonly Host[]): Problem[] {
  return hosts.flatMap((host, index) => {
    const before = hosts[index - 1];
    if (before === undefined || before.hostName !== host.hostName) return [];
    return {
      code: 'construct.host.name-taken',
      path: host.node.path,
      got: `the name ${host.hostName} is also that of ${before.node.path}`,
      fix: 'Give one of the hosts another name',
    };
  });
}
