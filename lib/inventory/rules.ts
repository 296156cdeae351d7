import type { Problem } from '../manifest/index.js';
import { suggest } from '../text/suggest.js';
import { checkAddresses } from './address-rules.js';
import { formatPath } from './describe-issue.js';
import { checkMounts } from './mount-rules.js';
import type { InventoryRole } from './role.js';
import { isMap, type RawMap, type Source } from './raw.js';
import { checkSsh } from './ssh-rules.js';
import type { KeyPath } from './yaml-source.js';

/**
 * Rules between keys. They look at the document as it was written and not at the parsed value, so that they are
 * reported together with problems of single values; what is of the wrong shape is passed over here.
 */
export function crossCheck(source: Source, roles: readonly InventoryRole[]): Problem[] {
  if (!isMap(source.value)) return [];
  const { hosts, secrets } = source.value;
  if (!isMap(hosts)) return protoKeys(source, source.value, []);
  const problems = Object.entries(hosts).flatMap(([name, host]) =>
    isMap(host) ? checkHost(source, name, host, secrets, roles) : [],
  );
  const serving = servingKeys(roles);
  const serves = Object.values(hosts).some((host) => isMap(host) && serving.some((key) => key in host));
  const operator = source.value['operator'];
  if (
    serves &&
    !(isMap(operator) && Array.isArray(operator['addresses']) && operator['addresses'].length > 0)
  ) {
    problems.push({
      code: 'inventory.operator.missing',
      path: source.locate(['operator', 'addresses']),
      property: 'operator.addresses',
      got: 'no one may reach the hosts: the firewall would shut the operator out',
      fix: 'Add it: the addresses or networks people work from.',
    });
  }
  return [...problems, ...checkAddresses(source, hosts), ...protoKeys(source, source.value, [])];
}

/** Keys of a host that make it do something for others, so that its address must be known. */
function servingKeys(roles: readonly InventoryRole[]): string[] {
  return roles.flatMap(({ serves = [] }) => serves);
}

function checkHost(
  source: Source,
  name: string,
  host: RawMap,
  secrets: unknown,
  roles: readonly InventoryRole[],
): Problem[] {
  const path = ['hosts', name];
  const problems: Problem[] = checkSsh(source, name, host, secrets);
  if ('root' in host && 'ssh' in host) {
    problems.push({
      code: 'inventory.host.two-ways',
      path: source.locateKey([...path, 'root']),
      property: formatPath(path),
      got: 'has both "ssh" and "root"',
      fix: 'Keep "ssh" for a running machine, or "root" for a directory.',
    });
  }
  const role = servingKeys(roles).find((part) => part in host);
  if (role !== undefined && !('address' in host)) {
    problems.push({
      code: 'inventory.host.address',
      path: source.locateKey(path),
      property: formatPath([...path, 'address']),
      got: `is missing, and "${role}" needs it`,
      fix: 'Add it: IP address or name that the operator and the other hosts reach it at.',
    });
  } else if ('ssh' in host && !('address' in host)) {
    problems.push({
      code: 'inventory.host.address',
      path: source.locateKey(path),
      property: formatPath([...path, 'address']),
      got: 'is missing, and "ssh" needs it',
      fix: 'Add it: IP address or name that the operator and the other hosts reach it at.',
    });
  }
  return [
    ...problems,
    ...checkMounts(source, [...path, 'mounts'], host['mounts']),
    ...roles.flatMap(({ rules }) => rules?.({ source, path, value: host, secrets }) ?? []),
  ];
}

/** `__proto__` is a key like any other to YAML, and one that schemas pass over in silence. */
function protoKeys(source: Source, value: unknown, path: KeyPath): Problem[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, member]) => {
    const at = [...path, Array.isArray(value) ? Number(key) : key];
    if (key !== '__proto__') return protoKeys(source, member, at);
    return {
      code: 'inventory.unknown-key',
      path: source.locateKey(at),
      property: formatPath(at),
      got: 'unknown key "__proto__"',
      fix: 'Remove it.',
    };
  });
}

/** `unknown host "ai-nod"`, with the nearest or all that there are. */
export function unknownHost(name: string, hosts: readonly string[], path: string): Problem {
  const near = suggest(name, hosts);
  return {
    code: 'inventory.host.unknown',
    path,
    got: `unknown host "${name}"`,
    fix: near === undefined ? `Use one of: ${[...hosts].sort().join(', ')}.` : `Did you mean "${near}"?`,
  };
}
