import type { SshParty } from './errors.js';
import { prepareCredentials } from './identity.js';
import { loadSsh2 } from './load.js';

/**
 * The public half of a private key file, as a line for authorized_keys: `ssh-ed25519 AAAA…`.
 *
 * @throws SshError step `identity` when the file is no key that can be used
 */
export async function publicKeyOf(party: SshParty, path: string): Promise<string> {
  const { key } = await prepareCredentials(await loadSsh2(), party, { kind: 'identity', path });
  return key === undefined ? '' : `${key.type} ${key.getPublicSSH().toString('base64')}`;
}
