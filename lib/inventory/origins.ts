import type { LoadedInventory } from './load.js';
import { inTargets } from './place-of.js';
import { isMap } from './raw.js';
import { writtenAt, type Layer } from './written.js';

/** One value of a host, and where it comes from. */
export interface Origin {
  /** Keys below the host. */
  readonly path: readonly string[];
  /** A single value, a list, or an empty map. */
  readonly value: unknown;
  /** What says it; `built-in`: nothing does, and it is what is taken then. */
  readonly of: Layer | { readonly kind: 'targets' | 'built-in' };
  /** `hosts/web01.yaml:3:5`; of what is built in, none. */
  readonly at?: string;
}

/** Everything that a host has, sorted as it is written. It names secrets, and has the value of none. */
export function originsOf(
  { inventory, written, targets }: Pick<LoadedInventory, 'inventory' | 'written' | 'targets'>,
  host: string,
): Origin[] {
  const origin = (path: readonly string[], value: unknown): Origin => {
    const target = inTargets(targets, host, path);
    if (target !== undefined) return { path, value, of: { kind: 'targets' }, at: target };
    const { value: said, at } = writtenAt(written, ['hosts', host, ...path]);
    if (said === undefined) return { path, value, of: { kind: 'built-in' } };
    return { path, value, of: at.layer, at: at.source.locate(at.path) };
  };
  const walk = (value: unknown, path: readonly string[]): Origin[] => {
    if (!isMap(value) || Object.keys(value).length === 0) return [origin(path, value)];
    return Object.entries(value).flatMap(([key, inner]) => walk(inner, [...path, key]));
  };
  return Object.entries(inventory.hosts[host] ?? {}).flatMap(([key, value]) =>
    key === 'groups' ? [] : walk(value, [key]),
  );
}
