import type { Target } from '../../manifest/index.js';
import type { Transport } from '../transport.js';
import { openRootTransport } from './root.js';
import { openSshTransport, type TargetDeps } from './ssh.js';

export { isConnectionLost, sshProblem } from './errors.js';
export { SshPool } from '../../ssh/index.js';
export type { TargetDeps } from './ssh.js';

/**
 * A way to a host: one SSH connection, or a directory of this machine.
 *
 * @throws CitadelError that names the host, the address and the step that failed, with a code as `ssh.unreachable`,
 * `ssh.host-key`, `ssh.auth` or `root.missing`
 */
export function openTransport(target: Target, deps: TargetDeps): Promise<Transport> {
  return 'root' in target ? openRootTransport(target, deps) : openSshTransport(target, deps);
}
