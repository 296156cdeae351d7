/**
 * For the tests of a site's own constructs and roles.
 *
 * @module citadel-iac/testing
 */
import { Construct, RootConstruct } from 'constructs';
import { Host, type HostProps } from '../constructs/index.js';
import { CitadelError, formatProblem, type HostManifest } from '../manifest/index.js';

export { parseInventory } from '../inventory/index.js';

/**
 * The manifest of one host called `host` with whatever `build` declares on it.
 *
 * @throws CitadelError with every problem of the constructs
 */
export function manifestOf(build: (host: Host) => unknown, props: HostProps = {}): HostManifest {
  const host = new Host(new Construct(new RootConstruct(), 'site'), 'host', { name: 'host', ...props });
  build(host);
  return host.manifest();
}

/** What is wrong with it, a line for each problem as the command line shows it; empty when nothing is. */
export function problemsOf(build: (host: Host) => unknown, props: HostProps = {}): string[] {
  try {
    manifestOf(build, props);
    return [];
  } catch (error) {
    if (error instanceof CitadelError) return error.problems.map(formatProblem);
    throw error;
  }
}
