import { canonicalJson } from '../manifest/canonical.js';
import type { HostManifest } from '../manifest/schema.js';

/**
 * A manifest as the `document` attribute: canonical JSON in printable ASCII without `$` and `%`. Terraform reads
 * `${` and `%{` in any string as a template, and normalises strings to NFC; neither finds anything to do in
 * this spelling, and JSON's own `\u` escapes bring every character back.
 */
export function encodeDocument(manifest: HostManifest): string {
  return canonicalJson(manifest).replace(
    /[^\x20-\x23\x26-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** @returns the parsed JSON, unchecked, or `undefined` where the text is not JSON */
export function decodeDocument(document: string): unknown {
  try {
    return JSON.parse(document) as unknown;
  } catch {
    return undefined;
  }
}
