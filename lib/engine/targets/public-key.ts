import { readFile } from 'node:fs/promises';
import type { SshTarget } from '../../manifest/index.js';
import { publicKeyOf } from '../../ssh/index.js';
import { asCitadelError } from './errors.js';
import { expandHome } from './ssh.js';

/** What lies next to a key of the system's OpenSSH, which may be in hardware; none where a certificate lets it in. */
async function publicHalf(path: string): Promise<string | undefined> {
  const read = (name: string): Promise<string | undefined> => readFile(name, 'utf8').catch(() => undefined);
  if ((await read(`${path}-cert.pub`)) !== undefined) return undefined;
  return (await read(path.endsWith('.pub') ? path : `${path}.pub`))?.split('\n', 1)[0];
}

/**
 * The line for authorized_keys that lets us in at a target; `undefined` where an agent holds the keys, or a certificate lets us in.
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
  if (target.client === 'system') return publicHalf(expandHome(identityFile, home));
  try {
    return await publicKeyOf({ host, user, address, port }, expandHome(identityFile, home));
  } catch (error) {
    throw asCitadelError(error);
  }
}
