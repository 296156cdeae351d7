import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { suggest } from './suggest.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

type Source = Pick<YamlSource, 'value' | 'locate' | 'locateKey'>;
type Map = Readonly<Record<string, unknown>>;

/** Parts of a host that make it do something for others, so that its address must be known. */
const ROLES = ['ai', 'monitoring'] as const;

/**
 * Rules between keys. They look at the document as it was written and not at the parsed value, so that they are
 * reported together with problems of single values; what is of the wrong shape is passed over here.
 */
export function crossCheck(source: Source): Problem[] {
  if (!isMap(source.value)) return [];
  const hosts = source.value['hosts'];
  if (!isMap(hosts)) return protoKeys(source, source.value, []);
  const problems = Object.entries(hosts).flatMap(([name, host]) =>
    isMap(host) ? checkHost(source, name, host) : [],
  );
  const roles = Object.values(hosts).some((host) => isMap(host) && ROLES.some((role) => role in host));
  const operator = source.value['operator'];
  if (
    roles &&
    !(isMap(operator) && Array.isArray(operator['addresses']) && operator['addresses'].length > 0)
  ) {
    problems.push({
      code: 'inventory.operator.missing',
      path: source.locate(['operator', 'addresses']),
      property: 'operator.addresses',
      got: 'nobody may reach the hosts: the firewall would shut the operator out',
      fix: 'Add it: the addresses or networks people work from.',
    });
  }
  return [...problems, ...protoKeys(source, source.value, [])];
}

function checkHost(source: Source, name: string, host: Map): Problem[] {
  const path = ['hosts', name];
  const problems: Problem[] = [];
  if ('root' in host && 'ssh' in host) {
    problems.push({
      code: 'inventory.host.two-ways',
      path: source.locateKey([...path, 'root']),
      property: formatPath(path),
      got: 'has both "ssh" and "root"',
      fix: 'Keep "ssh" for a running machine, or "root" for a directory.',
    });
  }
  const role = ROLES.find((part) => part in host);
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
  return [...problems, ...checkGpus(source, [...path, 'ai'], host['ai'])];
}

/** A model may only name GPUs that the host has. */
function checkGpus(source: Source, path: readonly string[], ai: unknown): Problem[] {
  if (!isMap(ai) || !Array.isArray(ai['gpus']) || !isMap(ai['models'])) return [];
  const count = ai['gpus'].length;
  return Object.entries(ai['models']).flatMap(([model, service]) => {
    const gpus: unknown = isMap(service) ? service['gpus'] : undefined;
    if (!Array.isArray(gpus)) return [];
    return gpus.flatMap((gpu: unknown, index) => {
      if (typeof gpu !== 'number' || !Number.isInteger(gpu) || gpu < count || gpu > 63) return [];
      const at = [...path, 'models', model, 'gpus', index];
      return {
        code: 'inventory.gpu.unknown',
        path: source.locate(at),
        property: formatPath(at),
        got: `the host has no GPU ${gpu}: it has ${count}, numbered from 0`,
        fix: 'Name one that it has, or add it to ai.gpus.',
      };
    });
  });
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

function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
