import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { isMap, type RawMap, type Source } from './raw.js';
import type { KeyPath } from './yaml-source.js';

/** The way to one machine, as it is written, and where. */
interface Hop {
  readonly holder: RawMap;
  readonly path: KeyPath;
}

/** Keys of `ssh` that do nothing together: what is written must count, or be refused. */
export function checkSsh(source: Source, name: string, { ssh }: RawMap): Problem[] {
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
    ...(system ? [] : ways.flatMap((way) => knownHosts(source, way))),
    ...ways.flatMap((way) => passphrase(source, way, system)),
    ...sudoPassword(source, ssh, at),
  ];
}

/** `known_hosts` among the pins means OpenSSH's own files, which only OpenSSH reads. */
function knownHosts(source: Source, { holder, path }: Hop): Problem[] {
  const pins = holder['hostKeys'];
  if (!Array.isArray(pins) || !pins.includes('known_hosts')) return [];
  return [
    {
      code: 'inventory.ssh.known-hosts',
      path: source.locate([...path, 'hostKeys']),
      property: formatPath([...path, 'hostKeys']),
      got: 'names "known_hosts", which the built-in client does not read',
      fix: 'Pin the host\'s fingerprint, or add "client: system" to ssh.',
    },
  ];
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
