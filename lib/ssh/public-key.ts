import type { SshParty } from './errors.js';
import { describeHostKey } from './host-key.js';
import { publicHalfOf } from './identity.js';
import { loadSsh2 } from './load.js';

/**
 * The public half of a key file, which may be private, encrypted or public itself, as a line for authorized_keys:
 * `ssh-ed25519 AAAA…`.
 *
 * @throws SshError step `identity` when the file is no key that can be used, or does not say its public half
 */
export async function publicKeyOf(party: SshParty, path: string): Promise<string> {
  const blob = await publicHalfOf(await loadSsh2(), party, path);
  return `${describeHostKey(blob).type} ${blob.toString('base64')}`;
}
