import { join } from 'node:path';
import { optionWord } from './arguments.js';

/** What is pinned for one machine, as OpenSSH needs it. */
export interface Pins {
  /** Fingerprints of plain keys, `SHA256:…` or `TYPE SHA256:…`. */
  readonly keys: readonly string[];
  readonly authorities: readonly Authority[];
}

/** `@cert-authority`: who signs the host's certificate. */
export interface Authority {
  /** Names that the certificate may be for; empty: the address, as OpenSSH has it. */
  readonly principals: readonly string[];
  /** The authority's fingerprint, or its whole public key as `TYPE BASE64`. */
  readonly key: string;
}

const AUTHORITY =
  /^@cert-authority(?: +([^ ]+))?? +(SHA256:[A-Za-z0-9+/]{43}|[a-z0-9@.-]+ +[A-Za-z0-9+/]+=*)$/;
const KEY = /^(?:([a-z][a-z0-9@.-]*) +)?(SHA256:[A-Za-z0-9+/]{43})$/;

/** @param pins `SHA256:…`, `TYPE SHA256:…`, `@cert-authority [PRINCIPAL,…] (SHA256:… | TYPE BASE64)`; others are ignored, and so accept nothing */
export function readPins(pins: readonly string[]): Pins {
  const keys: string[] = [];
  const authorities: Authority[] = [];
  for (const pin of pins) {
    const [, type, fingerprint] = KEY.exec(pin) ?? [];
    if (fingerprint !== undefined) keys.push(type === undefined ? fingerprint : `${type} ${fingerprint}`);
    const authority = AUTHORITY.exec(pin);
    if (authority?.[2] !== undefined) {
      const principals = authority[1]?.split(',').filter((each) => each !== '') ?? [];
      authorities.push({ principals, key: authority[2] });
    }
  }
  return { keys, authorities };
}

/** What counts where the certificate is to be for this name (`undefined`: the address): no authority for other names. */
export function pinsFor({ keys, authorities }: Pins, name: string | undefined): Pins {
  const count = ({ principals }: Authority): boolean =>
    name === undefined ? principals.length === 0 : principals.includes(name);
  return { keys, authorities: authorities.filter(count) };
}

/**
 * OpenSSH's `KnownHostsCommand`: prints the key that the host shows if its fingerprint is pinned, and the authorities.
 * Arguments: file of pinned fingerprints, file of authorities, file of authorities' fingerprints, program that reads a
 * certificate, type, fingerprint and base64 of the key that the host shows, Node. Run by `sh`, so that it may lie on a file
 * system without executables.
 */
export const PINS_PROGRAM = `# Pinned host keys for OpenSSH's KnownHostsCommand.
cat "$2"
grep -qxF -e "$6" -e "$5 $6" "$1" && printf '* %s %s\\n' "$5" "$7"
case $5 in
*-cert-v01@openssh.com) if [ -s "$3" ]; then "$8" "$4" "$3" "$7"; fi ;;
esac
exit 0
`;

/** Prints the authority that signed a certificate, if its fingerprint is in a file (PROTOCOL.certkeys of OpenSSH). */
export const AUTHORITY_PROGRAM = `'use strict';
const [file, base64] = process.argv.slice(2);
const blob = Buffer.from(base64, 'base64');
let at = 0;
const next = () => {
  const length = blob.readUInt32BE(at);
  at += 4 + length;
  if (at > blob.length) throw new RangeError('short');
  return blob.subarray(at - length, at);
};
const type = next().toString('latin1');
next();
// What stands before the serial number, by the kind of key.
const fields = /^ssh-rsa/.test(type) ? 2 : /^ecdsa/.test(type) ? 2 : /^sk-ecdsa/.test(type) ? 3 : /^sk-/.test(type) ? 2 : 1;
for (let field = 0; field < fields; field += 1) next();
at += 8 + 4;
next();
next();
at += 8 + 8;
next();
next();
next();
const authority = next();
const fingerprint = 'SHA256:' + require('node:crypto').createHash('sha256').update(authority).digest('base64').replace(/=+$/, '');
if (require('node:fs').readFileSync(file, 'utf8').split('\\n').includes(fingerprint)) {
  const name = authority.subarray(4, 4 + authority.readUInt32BE(0)).toString('latin1');
  process.stdout.write('@cert-authority * ' + name + ' ' + authority.toString('base64') + '\\n');
}
`;

/**
 * Files for one machine's pins, by name, and the value of `KnownHostsCommand` that uses them.
 *
 * @param node path of Node, which reads certificates
 */
export function pinFiles(
  folder: string,
  name: string,
  { keys, authorities }: Pins,
  node: string,
): { readonly files: Readonly<Record<string, string>>; readonly command: string } {
  const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');
  const byFingerprint = authorities.filter(({ key }) => key.startsWith('SHA256:'));
  const whole = authorities.filter(({ key }) => !key.startsWith('SHA256:'));
  const files = {
    'pins.sh': PINS_PROGRAM,
    'authority.cjs': AUTHORITY_PROGRAM,
    [`${name}.keys`]: lines(keys),
    [`${name}.whole`]: lines(whole.map(({ key }) => `@cert-authority * ${key}`)),
    [`${name}.signers`]: lines(byFingerprint.map(({ key }) => key)),
  };
  const at = (file: string): string => optionWord(join(folder, file));
  const command = [
    '/bin/sh',
    at('pins.sh'),
    at(`${name}.keys`),
    at(`${name}.whole`),
    at(`${name}.signers`),
    at('authority.cjs'),
    '%t',
    '%f',
    '%K',
    optionWord(node),
  ].join(' ');
  return { files, command };
}
