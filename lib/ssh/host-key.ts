import { createHash } from 'node:crypto';
import { HOST_KEY_ALGORITHMS, type HostKeyAlgorithm, keyTypeOf } from './algorithms.js';
import { isCertificate } from './certificate.js';
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

/** `SHA256:…`, or with the type of its key before it: `ssh-rsa SHA256:…`. */
function partsOf(pin: string): { readonly type?: string; readonly fingerprint: string } {
  const [first = '', second] = pin.split(' ');
  return second === undefined ? { fingerprint: first } : { type: first, fingerprint: second };
}

/** True when a pin stands for this key. */
export function isPinned(key: OfferedHostKey, pins: readonly string[]): boolean {
  return pins.some((pin) => {
    const { type, fingerprint } = partsOf(pin);
    return fingerprint === key.fingerprint && (type === undefined || type === key.type);
  });
}

/** The type that a pin says of this key, where it is another one: the fingerprint is that of the key. */
export function mistypeOf(key: OfferedHostKey, pins: readonly string[]): string | undefined {
  return pins
    .map(partsOf)
    .find(({ type, fingerprint }) => fingerprint === key.fingerprint && type !== key.type)?.type;
}

/** Looks for a pinned key among those of a host: each connection shows one. */
export class HostKeySearch {
  /** None of them is pinned. */
  readonly shown: OfferedHostKey[] = [];
  private offered: readonly string[] | undefined;

  constructor(readonly pins: readonly string[]) {}

  /**
   * What to ask for now. At first everything, types that pins name before the others; then what the host has of types that it
   * has not shown: a pin may stand for it, or say the wrong type of it. Empty: there is no other, and the host is refused.
   */
  get algorithms(): HostKeyAlgorithm[] {
    const types = this.pins.map((pin) => partsOf(pin).type);
    const named = HOST_KEY_ALGORITHMS.filter((algorithm) => types.includes(keyTypeOf(algorithm)));
    const ordered = [...named, ...HOST_KEY_ALGORITHMS.filter((algorithm) => !named.includes(algorithm))];
    const { offered } = this;
    if (offered === undefined) return ordered;
    if (this.pins.length === 0) return [];
    return ordered.filter((algorithm) => {
      const type = keyTypeOf(algorithm);
      return offered.includes(algorithm) && !this.shown.some((key) => key.type === type);
    });
  }

  /** True when the key is pinned. @param offered all host key algorithms of the server */
  accepts(key: OfferedHostKey, offered: readonly string[]): boolean {
    if (isPinned(key, this.pins)) return true;
    this.offered ??= offered;
    this.shown.push(key);
    return false;
  }

  /** Why the host is refused that has shown these. */
  get fault(): SshFault {
    const [best = { type: 'unknown', fingerprint: '' }, ...others] = this.shown;
    return unpinnedFault([best, ...others], this.pins, this.offered?.some(isCertificate) ?? false);
  }
}

/** The file on a Debian or Ubuntu host that holds the public half of a key of this type. */
export function publicKeyFile(type: string): string {
  if (type === 'ssh-ed25519') return '/etc/ssh/ssh_host_ed25519_key.pub';
  if (type.startsWith('ecdsa-')) return '/etc/ssh/ssh_host_ecdsa_key.pub';
  if (type === 'ssh-rsa') return '/etc/ssh/ssh_host_rsa_key.pub';
  return '/etc/ssh/ssh_host_*_key.pub';
}

/**
 * Why a host is refused that has shown these keys, best first, none of which is pinned.
 *
 * @param certified the host has a certificate as well
 */
export function unpinnedFault(
  shown: readonly [OfferedHostKey, ...OfferedHostKey[]],
  pins: readonly string[],
  certified = false,
): SshFault {
  const mistyped = shown.find((key) => mistypeOf(key, pins) !== undefined);
  if (mistyped !== undefined) {
    return {
      step: 'host key',
      kind: 'host-key',
      got: `the host has the key ${mistyped.type} ${mistyped.fingerprint}, and hostKeys says that this fingerprint is of a key of type ${String(mistypeOf(mistyped, pins))}`,
      fix: `It is the pinned key; correct its type: "${mistyped.type} ${mistyped.fingerprint}", or leave the type out`,
    };
  }
  const [best] = shown;
  const keys = shown.map((key) => `${key.type} ${key.fingerprint}`).join(', ');
  const compare = `compare ${shown.length > 1 ? 'the first' : 'it'} with "ssh-keygen -lf ${publicKeyFile(best.type)}" on the host's own console`;
  const authority = certified
    ? '. The host also has a certificate: to pin the authority that signed it, set "client: system" under ssh (docs/ssh.md)'
    : '';
  if (pins.length === 0) {
    return {
      step: 'host key',
      kind: 'host-key',
      got: `no host key is pinned for this host; it offers ${keys}`,
      fix: `Before trusting it, ${compare}; when they are equal, add "${best.fingerprint}" to hostKeys${authority}`,
    };
  }
  return {
    step: 'host key',
    kind: 'host-key',
    got: `the host offers ${keys}, which ${shown.length > 1 ? 'are' : 'is'} not pinned (pinned: ${pins.join(', ')})`,
    fix:
      'Another machine may be answering, or the host was reinstalled; nothing was sent to it. ' +
      `In the second case ${compare}; when they are equal, put "${best.fingerprint}" into hostKeys${authority}`,
  };
}
