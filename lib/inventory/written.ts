import { isMap, type Source } from './raw.js';
import type { KeyPath } from './yaml-source.js';

/** What settings are written for: every host, the hosts of a group, or one host; `site` for everything else. */
export type Layer =
  { readonly kind: 'site' | 'defaults' } | { readonly kind: 'group' | 'host'; readonly name: string };

/** Where a value is written. */
export interface Place {
  /** Name of the file, as in messages. */
  readonly file: string;
  readonly source: Source;
  /** Keys inside the source's file. */
  readonly path: KeyPath;
  readonly layer: Layer;
}

/** A value that knows where it, and everything in it, is written. */
export interface Written {
  readonly value: unknown;
  readonly at: Place;
  /** Members that are written elsewhere than below `at`, or that are not in its file as they stand here. */
  readonly members?: ReadonlyMap<string, Written>;
}

/** What stands under `key`; where nothing does, a value that is `undefined` at the place where it would be looked for. */
export function memberOf({ value, at, members }: Written, key: PropertyKey): Written {
  const own = members?.get(String(key));
  if (own !== undefined) return own;
  const below = typeof value === 'object' && value !== null && Object.hasOwn(value, key);
  return {
    value: below ? (value as Record<PropertyKey, unknown>)[key] : undefined,
    at: { ...at, path: [...at.path, key] },
  };
}

/** The value at `path`, with its place. */
export function writtenAt(root: Written, path: KeyPath): Written {
  return path.reduce<Written>(memberOf, root);
}

/** A value in which each member knows its own place. */
export function sourceOf(root: Written): Source {
  return {
    value: root.value,
    locate: (path) => {
      const { at } = writtenAt(root, path);
      return at.source.locate(at.path);
    },
    locateKey: (path) => {
      const { at } = writtenAt(root, path);
      return at.source.locateKey(at.path);
    },
  };
}

/** A map of members from wherever they are. */
export function mapOf(members: ReadonlyMap<string, Written>, at: Place): Written {
  const value = Object.fromEntries([...members].map(([key, member]) => [key, member.value]));
  return { value, at, members };
}

/** The keys of a map, each with what stands under it; none of anything else. */
export function membersOf(written: Written): [key: string, member: Written][] {
  if (!isMap(written.value)) return [];
  return Object.keys(written.value).map((key) => [key, memberOf(written, key)]);
}
