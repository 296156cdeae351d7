import { createPrivateKey, type KeyObject } from 'node:crypto';
import type { ParsedKey } from 'ssh2';
import type { Ssh2 } from './load.js';
import { WireReader, wireString } from './wire.js';

/** What stands in a key file. */
export type KeyFile =
  | { readonly kind: 'private'; readonly key: ParsedKey }
  | { readonly kind: 'public'; readonly blob: Buffer }
  /** Without its passphrase; `blob` is its public half where the file says it. */
  | { readonly kind: 'encrypted'; readonly blob?: Buffer }
  /** The passphrase is not the right one. */
  | { readonly kind: 'wrong-passphrase' }
  | { readonly kind: 'unusable'; readonly why: string; readonly fix: string };

const FORMATS = 'Name the private key itself, in OpenSSH or PEM format: ed25519, ecdsa or rsa';

/** Reads a key in OpenSSH's, PEM's, PKCS#8's or PuTTY's (version 2) format, or the public half of one. */
export function parseKeyFile(ssh2: Ssh2, bytes: Buffer, passphrase?: string): KeyFile {
  const text = bytes.toString('latin1');
  const line = /^((?:sk-)?(?:ssh|ecdsa)-[A-Za-z0-9@.-]+) ([A-Za-z0-9+/=]+)(\s|$)/m.exec(text);
  if (line !== null && !text.includes('PRIVATE KEY')) {
    return { kind: 'public', blob: Buffer.from(line[2] ?? '', 'base64') };
  }
  if (/^-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/m.test(text))
    return parsePkcs8(ssh2, bytes, text, passphrase);
  const own = opensshHeader(text);
  if (own?.type.startsWith('sk-') === true) {
    return {
      kind: 'unusable',
      why: `a FIDO key (${own.type})`,
      fix: 'Set "client: system" under ssh, which uses the ssh of this machine, or name a key of another kind',
    };
  }
  const parsed = ssh2.utils.parseKey(bytes, passphrase);
  if (!(parsed instanceof Error)) {
    const key = Array.isArray(parsed) ? (parsed as ParsedKey[])[0] : parsed;
    if (key?.isPrivateKey() === true) return { kind: 'private', key };
    return key === undefined ? unusable('empty') : { kind: 'public', blob: key.getPublicSSH() };
  }
  if (passphrase === undefined) {
    // ssh2 says both "encrypted … no passphrase given" and plain parse errors by message only.
    if (/passphrase/i.test(parsed.message)) {
      return own?.blob === undefined ? { kind: 'encrypted' } : { kind: 'encrypted', blob: own.blob };
    }
  } else if (/integrity|decrypt|passphrase|malformed/i.test(parsed.message)) {
    return { kind: 'wrong-passphrase' };
  }
  if (text.startsWith('PuTTY-User-Key-File-3')) {
    return {
      kind: 'unusable',
      why: 'PuTTY’s format, version 3',
      fix: 'Write it in OpenSSH’s format: puttygen KEY.ppk -O private-openssh-new -o KEY',
    };
  }
  return unusable(parsed.message);
}

function unusable(why: string, fix = FORMATS): KeyFile {
  return { kind: 'unusable', why, fix };
}

/** The public half that stands in clear at the beginning of an OpenSSH key file (OpenSSH's PROTOCOL.key). */
function opensshHeader(text: string): { readonly type: string; readonly blob: Buffer } | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END/.exec(text)?.[1];
  if (body === undefined) return undefined;
  try {
    const reader = new WireReader(Buffer.from(body, 'base64'));
    reader.take('openssh-key-v1\0'.length);
    for (let skipped = 0; skipped < 3; skipped += 1) reader.string();
    reader.uint32();
    const blob = reader.string();
    return { type: new WireReader(blob).text(), blob };
  } catch {
    return undefined;
  }
}

function parsePkcs8(ssh2: Ssh2, bytes: Buffer, text: string, passphrase: string | undefined): KeyFile {
  const encrypted = text.includes('BEGIN ENCRYPTED PRIVATE KEY');
  if (encrypted && passphrase === undefined) return { kind: 'encrypted' };
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: bytes, format: 'pem', ...(encrypted && { passphrase: passphrase ?? '' }) });
  } catch (error) {
    if (encrypted) return { kind: 'wrong-passphrase' };
    return unusable(error instanceof Error ? error.message : String(error));
  }
  const written = inOwnFormat(key);
  if (written === undefined) return unusable(`a key of kind ${key.asymmetricKeyType ?? 'unknown'}`);
  const parsed = ssh2.utils.parseKey(written);
  if (parsed instanceof Error) return unusable(parsed.message);
  return { kind: 'private', key: parsed };
}

/** What `ssh2` reads: RSA's and ECDSA's older PEM formats, and OpenSSH's for ed25519. */
function inOwnFormat(key: KeyObject): string | undefined {
  if (key.asymmetricKeyType === 'rsa') return key.export({ type: 'pkcs1', format: 'pem' }).toString();
  if (key.asymmetricKeyType === 'ec') return key.export({ type: 'sec1', format: 'pem' }).toString();
  if (key.asymmetricKeyType !== 'ed25519') return undefined;
  const { x = '', d = '' } = key.export({ format: 'jwk' });
  const pub = Buffer.from(x, 'base64url');
  const type = 'ssh-ed25519';
  const secret = Buffer.concat([
    // Two equal numbers by which a decrypted key is known to be right; anything will do.
    Buffer.alloc(8),
    wireString(type),
    wireString(pub),
    wireString(Buffer.concat([Buffer.from(d, 'base64url'), pub])),
    wireString(''),
  ]);
  const padding = Buffer.from(Array.from({ length: (8 - (secret.length % 8)) % 8 }, (_, index) => index + 1));
  const one = Buffer.from([0, 0, 0, 1]);
  const body = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    ...['none', 'none', ''].map(wireString),
    one,
    wireString(Buffer.concat([wireString(type), wireString(pub)])),
    wireString(Buffer.concat([secret, padding])),
  ]);
  return `-----BEGIN OPENSSH PRIVATE KEY-----\n${body.toString('base64')}\n-----END OPENSSH PRIVATE KEY-----\n`;
}
