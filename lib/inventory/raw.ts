import type { YamlSource } from './yaml-source.js';

/** A document as it was written, for rules between keys. */
export type Source = Pick<YamlSource, 'value' | 'locate' | 'locateKey'>;

export type RawMap = Readonly<Record<string, unknown>>;

export function isMap(value: unknown): value is RawMap {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
