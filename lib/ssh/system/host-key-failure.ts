import type { OfferedHostKey, SshFault } from '../errors.js';
import { sshByHand } from '../by-hand.js';
import { isPinned, publicKeyFile, unpinnedFault } from '../host-key.js';
import type { SshEndpoint } from '../types.js';
import { KNOWN_HOSTS } from './arguments.js';
import type { Seen } from './log.js';

/** A machine, and those in between. */
interface Way {
  readonly endpoint: SshEndpoint;
  readonly hops: readonly SshEndpoint[];
}

/** Why a log-in did not come about. */
export interface Failure {
  readonly fault: SshFault;
  readonly hostKey?: OfferedHostKey;
  /** The host has no plain keys. */
  readonly certificatesOnly?: true;
}

/** What is wrong with the key or the certificate that the host showed; `undefined`: nothing. @param said what OpenSSH wrote of it */
export function hostKeyFailure(seen: Seen, machine: Way, said: string): Failure | undefined {
  const { endpoint } = machine;
  const { hostKey, authority } = seen;
  const step = 'host key';
  const kind = 'host-key';
  if (/incorrect signature|signature verification failed/.test(said)) {
    return {
      fault: {
        step,
        kind,
        got: 'the host shows a pinned key but cannot prove that it owns it',
        fix: 'Another machine is answering for the host; nothing was sent to it. Look at the address and the network',
      },
    };
  }
  if (!/Host key verification failed|No .* host key is known|host key .* revoked/i.test(said))
    return undefined;
  if (hostKey === undefined) return undefined;
  const certificate = /Certificate invalid: (.*)$/m.exec(said)?.[1];
  if (certificate !== undefined) {
    return {
      fault: {
        step,
        kind,
        got: `the host shows a certificate of a pinned authority (${authority ?? 'unknown'}) that is not valid for it: ${certificate}`,
        fix: 'Let the authority sign one for this host ("ssh-keygen -Lf" shows what it says), or write the name that it is for into the pin: "@cert-authority NAME SHA256:…"',
      },
      hostKey,
    };
  }
  if (endpoint.hostKeys.includes(KNOWN_HOSTS))
    return { fault: knownHostsFault(hostKey, machine, said, authority), hostKey };
  if (authority !== undefined) {
    return {
      fault: {
        step,
        kind,
        got: isPinned(hostKey, endpoint.hostKeys)
          ? `the host proves its pinned key in a certificate only, of the authority ${authority}, which is not pinned`
          : `the host shows a certificate of the authority ${authority}, and neither that nor the key ${hostKey.fingerprint} is pinned (pinned: ${endpoint.hostKeys.join(', ') || 'nothing'})`,
        fix:
          `Compare the authority's fingerprint with "ssh-keygen -lf" of its public key, where that is kept; when they are equal, put "@cert-authority ${authority.replace(/^\S+ /, '')}" into hostKeys, ` +
          `with a name before the fingerprint where the certificate is for another one than ${endpoint.address}. Nothing was sent to the host`,
      },
      hostKey,
    };
  }
  if (isPinned(hostKey, endpoint.hostKeys)) return undefined;
  return { fault: unpinnedFault([hostKey], endpoint.hostKeys), hostKey };
}

/** What OpenSSH's own files say of a host is not what it shows. */
function knownHostsFault(
  hostKey: OfferedHostKey,
  { endpoint, hops }: Way,
  said: string,
  authority: string | undefined,
): SshFault {
  const shown = `${hostKey.type} ${hostKey.fingerprint}`;
  const fault = (got: string, fix: string): SshFault => ({ step: 'host key', kind: 'host-key', got, fix });
  const compare = `compare it with "ssh-keygen -lf ${publicKeyFile(hostKey.type)}" on the host's own console`;
  const byHand = `${sshByHand(endpoint, hops)} (it asks, and adds the key)`;
  if (/revoked/i.test(said)) {
    return fault(
      `the host shows ${shown}, which your known_hosts marks as revoked`,
      'Its owner says that others may have that key; nothing was sent to it. Give the host a new one',
    );
  }
  if (said.includes('REMOTE HOST IDENTIFICATION HAS CHANGED')) {
    const where = /^Offending .* key in (.*)$/m.exec(said)?.[1];
    return fault(
      `the host shows ${shown}, and your known_hosts has another key of it${where === undefined ? '' : ` (${where})`}`,
      'Another machine may be answering, or the host was reinstalled; nothing was sent to it. ' +
        `In the second case ${compare}; when they are equal, take that line out, and log in once by hand: ${byHand}`,
    );
  }
  if (authority !== undefined) {
    const fingerprint = authority.replace(/^\S+ /, '');
    return fault(
      `the host shows a certificate of the authority ${authority}, and your known_hosts knows neither that nor the host`,
      `Compare the authority's fingerprint with "ssh-keygen -lf" of its public key, where that is kept; when they are equal, write "@cert-authority ${endpoint.address} KEY" into ~/.ssh/known_hosts, with that public key as KEY; or put "@cert-authority ${fingerprint}" into hostKeys. Nothing was sent to the host`,
    );
  }
  const pins = endpoint.hostKeys.filter((pin) => pin !== KNOWN_HOSTS);
  const either = pins.length === 0 ? '' : `, and it is not pinned either (pinned: ${pins.join(', ')})`;
  return fault(
    `your known_hosts does not know the host, which shows ${shown}${either}`,
    `Before trusting it, ${compare}; when they are equal, log in once by hand: ${byHand}; or put "${hostKey.fingerprint}" into hostKeys`,
  );
}
