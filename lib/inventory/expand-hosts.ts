import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { isRange, MAX_RANGE, rangeNames } from './host-range.js';
import { isMap } from './raw.js';
import { memberOf, type Written } from './written.js';

export type Entry = readonly [key: string, written: Written];

/** Each thing that is written, by its name; what has a name that another one has is left out and told. */
export function byName(
  kind: 'host' | 'group',
  entries: readonly Entry[],
): { found: Map<string, Written>; problems: Problem[] } {
  const found = new Map<string, Written>();
  const problems: Problem[] = [];
  for (const [name, written] of entries) {
    const first = found.get(name);
    if (first === undefined) found.set(name, written);
    else {
      problems.push({
        code: `inventory.${kind}.duplicate`,
        path: keyOf(written),
        property: formatPath([`${kind}s`, name]),
        got: `is written at ${keyOf(first)} already`,
        fix:
          kind === 'host'
            ? 'Keep one of the two; what several hosts share belongs in a group.'
            : 'Keep one of the two.',
      });
    }
  }
  return { found, problems };
}

/** Hosts with ranges in their names written out, each with its own address of a range of addresses. */
export function expandHosts(entries: readonly Entry[]): { hosts: Entry[]; problems: Problem[] } {
  const problems: Problem[] = [];
  const hosts = entries.flatMap(([key, written]): Entry[] => {
    if (!isRange(key)) return [[key, written]];
    const names = rangeNames(key);
    if (names === undefined) {
      problems.push(notRange(keyOf(written), formatPath(['hosts', key]), `"${key}" is no range of names`));
      return [];
    }
    const address = memberOf(written, 'address');
    if (typeof address.value !== 'string' || !isRange(address.value)) {
      return names.map((name) => [name, memberOfRange(written, name)]);
    }
    const addresses = rangeNames(address.value);
    if (addresses?.length !== names.length) {
      const counted = addresses === undefined ? 'no range' : `a range of ${addresses.length}`;
      problems.push(
        notRange(
          address.at.source.locate(address.at.path),
          formatPath(['hosts', key, 'address']),
          `"${address.value}" is ${counted}, and the key stands for ${names.length} hosts`,
        ),
      );
    }
    return names.map((name, index) => {
      const own = memberOfRange(written, name);
      if (!isMap(own.value)) return [name, own];
      const value = addresses?.[index] ?? name;
      const members = new Map([
        ['address', { ...address, at: { ...address.at, layer: own.at.layer }, value }],
      ]);
      return [name, { ...own, value: { ...own.value, address: value }, members }];
    });
  });
  return { hosts, problems };
}

function memberOfRange(written: Written, name: string): Written {
  return { ...written, at: { ...written.at, layer: { kind: 'host', name } } };
}

function notRange(path: string, property: string, got: string): Problem {
  return {
    code: 'inventory.host.range',
    path,
    property,
    got,
    fix: `Write the first and the last number or letter, as in web[01:12] or db[a:c]; at most ${MAX_RANGE} hosts.`,
  };
}

function keyOf({ at }: Written): string {
  return at.source.locateKey(at.path);
}
