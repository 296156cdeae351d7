import { createHash } from 'node:crypto';
import type { OfferedHostKey, SshFault } from './errors.js';

/** Reads a public key blob (RFC 4253, section 6.6): a length, the type's name, and the rest. */
export function describeHostKey(blob: Buffer): OfferedHostKey {
  const digest = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '');
  return { type: keyType(blob), fingerprint: `SHA256:${digest}` };
}

function keyType(blob: Buffer): string {
  if (blob.length < 4) return 'unknown';
  const name = blob.subarray(4, 4 + blob.readUInt32BE(0)).toString('latin1');
  return /^[A-Za-z0-9@.-]{1,64}$/.test(name) ? name : 'unknown';
}

/** The file on a Debian or Ubuntu host that holds the public half of a key of this type. */
function publicKeyFile(type: string): string {
  if (type === 'ssh-ed25519') return '/etc/ssh/ssh_host_ed25519_key.pub';
  if (type.startsWith('ecdsa-')) return '/etc/ssh/ssh_host_ecdsa_key.pub';
  if (type === 'ssh-rsa') return '/etc/ssh/ssh_host_rsa_key.pub';
  return '/etc/ssh/ssh_host_*_key.pub';
}

/** Why a host's key is refused, or `undefined` when it is one of the pinned. */
export function judgeHostKey(offered: OfferedHostKey, pins: readonly string[]): SshFault | undefined {
  if (pins.includes(offered.fingerprint)) return undefined;
  const key = `${offered.type} ${offered.fingerprint}`;
  const compare = `compare it with "ssh-keygen -lf ${publicKeyFile(offered.type)}" on the host's own console`;
  if (pins.length === 0) {
    return {
      step: 'host key',
      kind: 'host-key',
      got: `no host key is pinned for this host; it offers ${key}`,
      fix: `Before trusting it, ${compare}; when they are equal, add "${offered.fingerprint}" to hostKeys`,
    };
  }
  return {
    step: 'host key',
    kind: 'host-key',
    got: `the host offers ${key}, which is not pinned (pinned: ${pins.join(', ')})`,
    fix:
      'Another machine may be answering, or the host was reinstalled; nothing was sent to it. ' +
      `In the second case ${compare}; when they are equal, put "${offered.fingerprint}" into hostKeys`,
  };
}
