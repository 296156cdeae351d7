import type { SshTarget } from '../../manifest/index.js';
import { publicKeyOf } from '../../ssh/index.js';
import { asCitadelError } from './errors.js';
import { expandHome } from './ssh.js';

/**
 * The line for authorized_keys that lets us in at a target; `undefined` where an agent holds the keys.
 *
 * @throws CitadelError `ssh.identity` when the target's identityFile is no key that can be used
 */
export async function authorizedKeyOf(
  target: SshTarget,
  host: string,
  home: string,
): Promise<string | undefined> {
  const { identityFile, user, address, port } = target;
  if (identityFile === undefined) return undefined;
  try {
    return await publicKeyOf({ host, user, address, port }, expandHome(identityFile, home));
  } catch (error) {
    throw asCitadelError(error);
  }
}
