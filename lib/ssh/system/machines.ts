import { stat } from 'node:fs/promises';
import { isCertificate } from '../certificate.js';
import { SshError, type SshParty } from '../errors.js';
import type { SshEndpoint } from '../types.js';
import { KNOWN_HOSTS, type LoginWay, unfitValue } from './arguments.js';
import { readPins } from './pins.js';
import type { Failure } from './host-key-failure.js';

/** What differs between two tries of one log-in. */
export type Try = Pick<LoginWay, 'firstHostKeys' | 'withoutHostKeys' | 'principal'>;

/** One machine of the way to a host. */
export interface Machine {
  readonly endpoint: SshEndpoint;
  readonly party: SshParty;
  /** The inventory's machines in between, nearest to us first. */
  readonly hops: readonly SshEndpoint[];
  /** How it is asked next. */
  next: Try;
}

/** @param host the caller's name for it, for messages */
export function machineOf(endpoint: SshEndpoint, host: string, hops: readonly SshEndpoint[]): Machine {
  const { user, address, port, hostKeys } = endpoint;
  const types = readPins(hostKeys).keys.flatMap((pin) =>
    pin.includes(' ') ? [pin.split(' ', 1)[0] ?? ''] : [],
  );
  // What asks for an RSA key first must not bring SHA-1 back, which OpenSSH has left out of its list.
  const firstHostKeys = [...new Set(types)]
    .flatMap(algorithmsOf)
    .filter((name) => !isCertificate(name) && name !== 'ssh-rsa');
  const [principal] = namesOf(hostKeys);
  const first =
    principal !== undefined
      ? { principal }
      : firstHostKeys.length > 0
        ? { firstHostKeys }
        : judgesCertificates(hostKeys)
          ? {}
          : { withoutHostKeys: [CERTIFICATES] };
  return { endpoint, party: { host, user, address, port }, hops, next: first };
}

/** All host key algorithms that are certificates, as OpenSSH takes patterns. */
const CERTIFICATES = '*-cert-v01@openssh.com';

/** Whether a certificate can be what is trusted; where not, a host that has one is asked for its keys. */
function judgesCertificates(hostKeys: readonly string[]): boolean {
  return hostKeys.includes(KNOWN_HOSTS) || readPins(hostKeys).authorities.length > 0;
}

/** How a machine is asked after it has shown a key or a certificate that is not pinned; `undefined`: not again. */
export function nextTry(before: Try, { hostKey }: Failure, hostKeys: readonly string[]): Try | undefined {
  if (hostKey === undefined) return undefined;
  const certificate = isCertificate(hostKey.type);
  if (certificate) {
    const next = nextName(before, hostKeys);
    if (next !== undefined) return next;
  }
  if (readPins(hostKeys).keys.length === 0) return undefined;
  // The key of that type may be another than the one which the certificate is for.
  const refused = certificate ? [CERTIFICATES] : algorithmsOf(hostKey.type);
  return { ...before, withoutHostKeys: [...(before.withoutHostKeys ?? []), ...refused] };
}

/** The names that a certificate may be for, tried one after the other; `undefined`: the address. */
function namesOf(hostKeys: readonly string[]): readonly (string | undefined)[] {
  const names = readPins(hostKeys).authorities.flatMap(({ principals }): readonly (string | undefined)[] =>
    principals.length === 0 ? [undefined] : principals,
  );
  return [...new Set(names)];
}

function nextName({ principal: before, ...others }: Try, hostKeys: readonly string[]): Try | undefined {
  const names = namesOf(hostKeys);
  const at = names.indexOf(before) + 1;
  if (at >= names.length) return undefined;
  const principal = names[at];
  return { ...others, ...(principal !== undefined && { principal }) };
}

/** Every algorithm with which a host proves that it has a key of this type. */
function algorithmsOf(type: string): readonly string[] {
  const plain = type.replace(/-cert-v01@openssh\.com$/, '');
  const names = plain === 'ssh-rsa' ? ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'] : [plain];
  return names.flatMap((name) => [name, `${name}-cert-v01@openssh.com`]);
}

/** @throws SshError for a value that OpenSSH would take for something else, and for a key file that is not there */
export async function requireFit({ endpoint, party }: Machine): Promise<void> {
  const unfit = unfitValue(endpoint);
  if (unfit !== undefined) {
    throw new SshError(party, {
      step: 'identity',
      kind: 'local',
      got: `the ${unfit.what} ${JSON.stringify(unfit.value)} is nothing that OpenSSH can be given`,
      fix: `Correct ${unfit.what}; nothing was started`,
    });
  }
  const { auth } = endpoint;
  if (auth.kind !== 'identity') return;
  let isFolder = false;
  // An agent may hold the private half of a key whose public one is here.
  for (const path of [auth.path, `${auth.path}.pub`]) {
    const there = await stat(path).catch(() => undefined);
    if (there !== undefined && !there.isDirectory()) return;
    isFolder ||= there !== undefined;
  }
  throw new SshError(party, {
    step: 'identity',
    kind: 'identity',
    got: `the key ${auth.path} ${isFolder ? 'is a folder' : 'does not exist'}`,
    fix: 'Correct identityFile, or leave it out: OpenSSH then uses what its own configuration says',
  });
}
