import { RenderError, shown } from './error.js';

/** An IPv4 or IPv6 address or network, in the spelling that nftables prints. */
export interface IpNetwork {
  readonly family: 4 | 6;
  /** `192.168.10.0/24`, `10.0.0.1`, `fd00::/8`. */
  readonly text: string;
  readonly base: bigint;
  readonly prefix: number;
}

/** Parses an address or CIDR network. @throws RenderError, also for a network with host bits (`10.0.0.1/24`) */
export function parseNetwork(text: string, property: string): IpNetwork {
  const [address = '', length, ...rest] = text.split('/');
  const family = address.includes(':') ? 6 : 4;
  const bits = family === 4 ? 32 : 128;
  const base = family === 4 ? parseV4(address) : parseV6(address);
  const prefix = length === undefined ? bits : /^(0|[1-9][0-9]{0,2})$/.test(length) ? Number(length) : -1;
  if (base === undefined || rest.length > 0 || prefix < 0 || prefix > bits) {
    throw new RenderError(
      'render.network.syntax',
      property,
      `${shown(text)} is not an IP address or network`,
      'Write it as 192.168.10.1, 192.168.10.0/24 or fd00::/8',
    );
  }
  const hostBits = BigInt(bits - prefix);
  if ((base >> hostBits) << hostBits !== base) {
    const network = format(family, (base >> hostBits) << hostBits);
    throw new RenderError(
      'render.network.host-bits',
      property,
      `${shown(text)} is an address inside a network`,
      `Write ${network}/${prefix} for the network, or ${address} for the address`,
    );
  }
  return { family, base, prefix, text: `${format(family, base)}${prefix === bits ? '' : `/${prefix}`}` };
}

/** Sorted, each once, without networks that lie inside another one of the list (nftables refuses overlaps). */
export function mergeNetworks(networks: readonly IpNetwork[]): IpNetwork[] {
  const sorted = [...networks].sort(
    (a, b) => a.family - b.family || (a.base < b.base ? -1 : a.base > b.base ? 1 : a.prefix - b.prefix),
  );
  const kept: IpNetwork[] = [];
  for (const network of sorted) {
    if (!kept.some((wide) => contains(wide, network))) kept.push(network);
  }
  return kept;
}

function contains(wide: IpNetwork, narrow: IpNetwork): boolean {
  if (wide.family !== narrow.family || wide.prefix > narrow.prefix) return false;
  const hostBits = BigInt((wide.family === 4 ? 32 : 128) - wide.prefix);
  return wide.base >> hostBits === narrow.base >> hostBits;
}

function parseV4(text: string): bigint | undefined {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) < 256))
    return undefined;
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n);
}

function parseV6(written: string): bigint | undefined {
  // The last two groups may be written as an IPv4 address: ::ffff:192.168.10.1
  const [, head = '', tail] = /^(.*:)([0-9.]*\.[0-9.]*)$/.exec(written) ?? [];
  const embedded = tail === undefined ? undefined : parseV4(tail);
  if (tail !== undefined && embedded === undefined) return undefined;
  const text =
    embedded === undefined
      ? written
      : `${head}${(embedded >> 16n).toString(16)}:${(embedded & 0xffffn).toString(16)}`;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const groups = halves.map((half) => (half === '' ? [] : half.split(':')));
  const count = groups.flat().length;
  if (halves.length === 2 ? count > 7 : count !== 8) return undefined;
  if (!groups.flat().every((group) => /^[0-9A-Fa-f]{1,4}$/.test(group))) return undefined;
  const zeros = Array.from({ length: 8 - count }, () => '0');
  return [...(groups[0] ?? []), ...zeros, ...(groups[1] ?? [])].reduce(
    (sum, group) => (sum << 16n) | BigInt(`0x${group}`),
    0n,
  );
}

/** RFC 5952: lower case, the longest run of zero groups (the first of equals, at least two) as `::`. */
function format(family: 4 | 6, base: bigint): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (base >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((base >> BigInt(112 - 16 * index)) & 0xffffn).toString(16),
  );
  const runs = [...groups.join(':').matchAll(/(?<![0-9a-f])0(?::0)+(?![0-9a-f])/g)].sort(
    (a, b) => b[0].length - a[0].length,
  );
  const longest = runs[0]?.[0];
  if (longest === undefined) return groups.join(':');
  return groups.join(':').replace(new RegExp(`(^|:)${longest}(:|$)`), '::');
}
