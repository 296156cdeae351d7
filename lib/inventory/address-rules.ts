import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { urlHost } from '../text/address.js';
import { isMap, type RawMap, type Source } from './raw.js';

/**
 * One machine cannot be two hosts: each apply would undo the other's. Behind address translation, hosts share an address
 * and differ in their SSH port, or in the host in between. Hosts without `ssh` get their address from the targets file.
 */
export function checkAddresses(source: Source, hosts: RawMap): Problem[] {
  const seen = new Map<string, string>();
  return Object.entries(hosts).flatMap(([name, host]) => {
    const door = isMap(host) ? doorOf(host) : undefined;
    if (door === undefined) return [];
    const first = seen.get(door.key);
    if (first === undefined) {
      seen.set(door.key, name);
      return [];
    }
    const at = ['hosts', name, 'address'];
    return {
      code: 'inventory.host.twice',
      path: source.locate(at),
      property: formatPath(at),
      got: `${door.address} with SSH port ${door.port} is the host "${first}" already`,
      fix: 'Correct one of the two; hosts that share an address need different values of ssh.port.',
    };
  });
}

function doorOf({ address, ssh }: RawMap): { key: string; address: string; port: string } | undefined {
  if (typeof address !== 'string' || !isMap(ssh)) return undefined;
  const port = JSON.stringify(ssh['port'] ?? 22);
  const hops: unknown[] = Array.isArray(ssh['jump']) ? ssh['jump'] : [ssh['jump']];
  const jump = hops.flatMap((hop) => (isMap(hop) ? [hop['address'], hop['port'] ?? 22] : []));
  return { key: JSON.stringify([spelling(address), port, ...jump]), address, port };
}

/** One of the ways to write it: an IPv6 address has many. */
function spelling(address: string): string {
  const url = `http://${urlHost(address)}`;
  return URL.canParse(url) ? new URL(url).hostname : address.toLowerCase();
}
