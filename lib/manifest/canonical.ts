import { createHash } from 'node:crypto';
import { byKey } from '../text/order.js';
import type { HostManifest } from './schema.js';

/**
 * JSON with sorted keys and no white space: equal values give equal bytes, on any machine.
 * `undefined` members are left out, as `JSON.stringify` does. Keys are ordered by UTF-16 code units.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => canonicalJson(item ?? null)).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .sort(byKey)
      .map(([key, member]) => `${JSON.stringify(key)}:${canonicalJson(member)}`);
    return `{${members.join(',')}}`;
  }
  return JSON.stringify(value);
}

/** Lower-case hexadecimal sha256 of a text's UTF-8 bytes, or of bytes. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/**
 * `sha256(canonicalJson(manifest))` without `origins`: who declared an item is an annotation for
 * messages, and moving a construct in the tree must not change what a host should be.
 */
export function manifestDigest(manifest: HostManifest): string {
  const { origins: _origins, ...content } = manifest;
  return sha256(canonicalJson(content));
}
