import { isMap, type Source } from './raw.js';
import { writtenAt, type Written } from './written.js';

/** What an inventory was read from. */
export interface Files {
  readonly written: Written;
  /** The targets file, where there is one. */
  readonly targets?: Pick<Source, 'value' | 'locate'>;
}

/** Keys of the targets file, and what of a host each of them replaces. */
const TARGET_KEYS: Readonly<Record<string, string>> = {
  address: 'address',
  root: 'root',
  'ssh.user': 'user',
  'ssh.port': 'port',
  'ssh.hostKeys': 'hostKeys',
  'ssh.identityFile': 'identityFile',
  'ssh.timeouts.settleSec': 'settleSec',
};

/** Where the targets file says this of a host; `undefined`: it does not. */
export function inTargets(
  targets: Files['targets'],
  host: string,
  path: readonly string[],
): string | undefined {
  const own = targets !== undefined && isMap(targets.value) ? targets.value[host] : undefined;
  const key = TARGET_KEYS[path.join('.')];
  return key !== undefined && isMap(own) && key in own ? targets?.locate([host, key]) : undefined;
}

/** Where a value is written, `hosts/web01.yaml:3:5`, by its keys in the whole inventory; `undefined`: nowhere. */
export function placeOf({ written, targets }: Files, keys: readonly string[]): string | undefined {
  const [section, host, ...path] = keys;
  const target = section === 'hosts' && host !== undefined ? inTargets(targets, host, path) : undefined;
  if (target !== undefined) return target;
  const { value, at } = writtenAt(written, keys);
  return value === undefined ? undefined : at.source.locate(at.path);
}
