import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { isMap, type RawMap, type Source } from './raw.js';

/** `known_hosts` among the pins means OpenSSH's own files, which only OpenSSH reads. */
export function checkSsh(source: Source, name: string, { ssh }: RawMap): Problem[] {
  if (!isMap(ssh) || ssh['client'] === 'system') return [];
  const at = ['hosts', name, 'ssh'];
  const hops: unknown[] = Array.isArray(ssh['jump']) ? ssh['jump'] : [ssh['jump']];
  const places = [
    { holder: ssh, path: [...at, 'hostKeys'] },
    ...hops.map((holder, index) => ({
      holder,
      path: [...at, 'jump', ...(Array.isArray(ssh['jump']) ? [index] : []), 'hostKeys'],
    })),
  ];
  return places.flatMap(({ holder, path }) => {
    if (!isMap(holder) || !Array.isArray(holder['hostKeys']) || !holder['hostKeys'].includes('known_hosts'))
      return [];
    return {
      code: 'inventory.ssh.known-hosts',
      path: source.locate(path),
      property: formatPath(path),
      got: 'names "known_hosts", which the built-in client does not read',
      fix: 'Pin the host\'s fingerprint, or add "client: system" to ssh.',
    };
  });
}
