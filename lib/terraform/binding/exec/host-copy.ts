import type { HostManifest, ManifestFile } from '../../../manifest/schema.js';
import { canonicalJson } from '../../../manifest/canonical.js';
import { secretReference } from '../../../text/secret-reference.js';

/**
 * A whole host as JSON, for the readers of a plan: Terraform shows of JSON the members and list elements that differ, so a
 * file's text is a list of its lines. Secrets are in it as references. Printable ASCII without `$` and `%`, so that neither
 * Terraform nor cdktf finds anything in it to replace.
 */
export function copyOf(manifest: HostManifest): string {
  const { origins: _origins, files, ...rest } = manifest;
  const shown = Object.entries(files ?? {}).map(([path, file]) => [path, shownFile(file)]);
  const value = { ...rest, ...(files === undefined ? {} : { files: Object.fromEntries(shown) as object }) };
  const text = JSON.stringify(JSON.parse(canonicalJson(value)), null, 1);
  return `${text.replace(/[^\n\x20-\x23\x26-\x7e]/g, escaped).replaceAll('TfToken[', 'TfToken\\u005b')}\n`;
}

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function shownFile({ content, secret, ...file }: ManifestFile): Record<string, unknown> {
  // Bytes that are no text stand there as the document has them.
  if (file.bytes !== undefined) return file;
  return { ...file, lines: (content ?? secretReference(secret ?? '')).split('\n') };
}
