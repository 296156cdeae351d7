import type { Problem } from '../manifest/index.js';
import { suggest } from '../text/suggest.js';
import { formatPath } from './describe-issue.js';
import { isMap, type RawMap, type Source } from './raw.js';
import type { KeyPath } from './yaml-source.js';

/** The way to one machine, as it is written, and where. */
interface Hop {
  readonly holder: RawMap;
  readonly path: KeyPath;
}

/** Keys of `ssh` that do nothing together: what is written must count, or be refused. */
export function checkSsh(source: Source, name: string, { ssh }: RawMap, secrets: unknown): Problem[] {
  if (!isMap(ssh)) return [];
  const at = ['hosts', name, 'ssh'];
  const { jump } = ssh;
  const hops: unknown[] = Array.isArray(jump) ? jump : [jump];
  const ways: Hop[] = [{ holder: ssh, path: at }];
  for (const [index, holder] of hops.entries()) {
    if (isMap(holder)) ways.push({ holder, path: [...at, 'jump', ...(Array.isArray(jump) ? [index] : [])] });
  }
  const system = ssh['client'] === 'system';
  return [
    ...(system ? [] : ways.flatMap((way) => pinsOfOpenSsh(source, way))),
    ...ways.flatMap((way) => passphrase(source, way, system)),
    ...sudoPassword(source, ssh, at),
    ...ways.flatMap((way) => secretNames(source, way, secrets)),
  ];
}

/** Pins that only OpenSSH can judge: its own files, and authorities that sign hosts' certificates. */
function pinsOfOpenSsh(source: Source, { holder, path }: Hop): Problem[] {
  const pins: unknown = holder['hostKeys'];
  if (!Array.isArray(pins)) return [];
  return pins.flatMap((pin, index): Problem[] => {
    const authority = typeof pin === 'string' && pin.startsWith('@cert-authority ');
    if (!authority && pin !== 'known_hosts') return [];
    const place = [...path, 'hostKeys', index];
    const problem = { path: source.locate(place), property: formatPath(place) };
    return authority
      ? [
          {
            ...problem,
            code: 'inventory.ssh.authority',
            got: 'pins an authority, and the built-in client cannot judge certificates of hosts',
            fix: 'Add "client: system" to ssh, or pin the host\'s own fingerprint.',
          },
        ]
      : [
          {
            ...problem,
            code: 'inventory.ssh.known-hosts',
            got: 'names "known_hosts", which the built-in client does not read',
            fix: 'Pin the host\'s fingerprint, or add "client: system" to ssh.',
          },
        ];
  });
}

/** A name without a source would only be found missing when a host is logged in to. */
function secretNames(source: Source, { holder, path }: Hop, secrets: unknown): Problem[] {
  const known = isMap(secrets) ? Object.keys(secrets) : [];
  return ['sudoPassword', 'identityPassphrase'].flatMap((key): Problem[] => {
    const name = holder[key];
    if (typeof name !== 'string' || known.includes(name)) return [];
    const place = [...path, key];
    const near = suggest(name, known);
    return [
      {
        code: 'inventory.secret.unknown',
        path: source.locate(place),
        property: formatPath(place),
        got: `no secret is called "${name}"`,
        fix: near === undefined ? 'Say under "secrets" where its value is found.' : `Did you mean "${near}"?`,
      },
    ];
  });
}

function passphrase(source: Source, { holder, path }: Hop, system: boolean): Problem[] {
  if (!('identityPassphrase' in holder)) return [];
  const place = [...path, 'identityPassphrase'];
  const problem = { path: source.locateKey(place), property: formatPath(place) };
  if (system) {
    return [
      {
        ...problem,
        code: 'inventory.ssh.passphrase-system',
        got: 'names a secret, and with "client: system" OpenSSH asks for the passphrase itself',
        fix: 'Remove it and load the key into an agent (ssh-add) or answer on the terminal; or remove "client: system".',
      },
    ];
  }
  if ('identityFile' in holder) return [];
  return [
    {
      ...problem,
      code: 'inventory.ssh.passphrase-alone',
      got: 'names the passphrase of a key file, and there is no identityFile',
      fix: 'Add identityFile, or remove it: an agent has no use for it.',
    },
  ];
}

/** Only sudo takes a password from us. */
function sudoPassword(source: Source, ssh: RawMap, at: KeyPath): Problem[] {
  if (!('sudoPassword' in ssh)) return [];
  const become = ssh['become'] ?? (ssh['user'] === 'root' ? 'none' : 'sudo');
  if (become === 'sudo' || typeof become !== 'string') return [];
  const place = [...at, 'sudoPassword'];
  const why = 'become' in ssh ? `"become: ${become}" does not use sudo` : 'root needs no sudo to be root';
  return [
    {
      code: 'inventory.ssh.sudo-password',
      path: source.locateKey(place),
      property: formatPath(place),
      got: `names a password for sudo, and ${why}`,
      fix: 'Remove it, or let the account become root by sudo ("become: sudo").',
    },
  ];
}
