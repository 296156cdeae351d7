import { readFile } from 'node:fs/promises';
import { WireReader } from './wire.js';

/** How long an OpenSSH certificate is good for, in milliseconds since 1970; `Infinity`: for ever. */
export interface Validity {
  readonly from: number;
  readonly until: number;
}

export function isCertificate(type: string): boolean {
  return /-cert-v0[01]@openssh\.com$/.test(type);
}

/** Strings of the public key itself, by the beginning of the certificate's type (OpenSSH's PROTOCOL.certkeys). */
const KEY_STRINGS: readonly (readonly [string, number])[] = [
  ['ssh-ed25519-', 1],
  ['ssh-rsa-', 2],
  ['ecdsa-', 2],
  ['sk-ssh-ed25519-', 2],
  ['sk-ecdsa-', 3],
];

/** `undefined` when this is no certificate that can be read. */
export function validityOf(blob: Buffer): Validity | undefined {
  try {
    const reader = new WireReader(blob);
    const type = reader.text();
    const strings = KEY_STRINGS.find(([start]) => type.startsWith(start))?.[1];
    if (strings === undefined || !isCertificate(type)) return undefined;
    // The nonce and the key; serial and kind; then key id and principals.
    for (let count = 0; count <= strings; count += 1) reader.string();
    reader.uint64();
    reader.uint32();
    reader.string();
    reader.string();
    return { from: milliseconds(reader.uint64()), until: milliseconds(reader.uint64()) };
  } catch {
    return undefined;
  }
}

function milliseconds(seconds: bigint): number {
  return seconds >= 1n << 48n ? Infinity : Number(seconds) * 1000;
}

/** `valid until 2026-01-02 03:04 UTC`, `expired on …`, `not valid before …`, `valid for ever`. */
export function validityText({ from, until }: Validity, now: number): string {
  const at = (time: number): string => `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (now < from) return `not valid before ${at(from)}`;
  if (until === Infinity) return 'valid for ever';
  return now < until ? `valid until ${at(until)}` : `expired on ${at(until)}`;
}

/** What comes first where a certificate is not good any more; empty: it is. */
export function renewal(validity: Validity | undefined, now: number): string {
  return validity !== undefined && now >= validity.until ? `${RENEW}. ` : '';
}

/** What to do about a certificate that has expired. */
export const RENEW = 'Get a new certificate from the authority';

/** A certificate in words, with its validity, and what to do first where that is over. */
export interface NamedCertificate {
  readonly words: string;
  /** As {@link renewal}. */
  readonly first: string;
}

/** The certificate that lies next to a key file, where OpenSSH looks for it: `KEY-cert.pub`; `undefined`: there is none. */
export async function certificateNextTo(path: string, now: number): Promise<NamedCertificate | undefined> {
  const file = `${path.replace(/\.pub$/, '')}-cert.pub`;
  try {
    const [, base64 = ''] = (await readFile(file, 'utf8')).split(/\s+/);
    const validity = validityOf(Buffer.from(base64, 'base64'));
    if (validity === undefined) return undefined;
    return {
      words: `the certificate ${file} (${validityText(validity, now)})`,
      first: renewal(validity, now),
    };
  } catch {
    return undefined;
  }
}
