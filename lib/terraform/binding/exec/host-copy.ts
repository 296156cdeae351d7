import { canonicalJson, sha256 } from '../../../manifest/canonical.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { escapeTemplates } from '../escape.js';
import { byKey } from '../../../text/order.js';
import { secretReference } from '../../../text/secret-reference.js';

/** One file that shows a part of a host to the readers of a plan. Nothing reads it but they. */
export interface Copy {
  /** Terraform's name of the resource, from the path on the host: `web_etc_motd_0f1e2d3c`. */
  readonly id: string;
  /** Where it is written, below the folder in which Terraform runs; `/` between its parts. */
  readonly filename: string;
  /** Escaped for Terraform's JSON; or base64 of what Terraform would not keep byte for byte. */
  readonly content: { readonly content: string } | { readonly contentBase64: string };
}

/**
 * A host as files: each of its own, with secrets as references, and the rest of the manifest as JSON, one line for each
 * value.
 */
export function copiesOf(manifest: HostManifest): Copy[] {
  const { host } = manifest;
  const files = Object.entries(manifest.files ?? {}).sort(byKey);
  return [
    copy(host, `${host}.json`, restOf(manifest)),
    ...files.map(([path, { content, bytes, secret }]) => {
      const one = copy(host, `${host}${path}`, content ?? secretReference(secret ?? ''));
      return bytes === undefined ? one : { ...one, content: { contentBase64: bytes } };
    }),
  ];
}

function copy(host: string, name: string, content: string): Copy {
  // Two paths may look alike in letters that an identifier may have; the digest keeps them apart.
  const readable = name.replace(/[^A-Za-z0-9]+/g, '_').slice(0, 80);
  return {
    id: `${/^[0-9]/.test(host) ? '_' : ''}${readable}_${sha256(name).slice(0, 8)}`,
    // In a name, neither escaping nor a token of cdktf's: nothing that begins one is left.
    filename: `hosts/${name.replace(/[$%]/g, (sign) => (sign === '$' ? '%24' : '%25'))}`,
    content: survives(content)
      ? { content: escapeTemplates(content) }
      : { contentBase64: Buffer.from(content).toString('base64') },
  };
}

/** Terraform normalises texts to NFC, and cdktf looks for its own tokens in them, escaped or not. */
function survives(text: string): boolean {
  return text.normalize('NFC') === text && !text.includes('TfToken[');
}

function restOf(manifest: HostManifest): string {
  const { origins: _origins, files, ...rest } = manifest;
  const without = Object.entries(files ?? {}).map(([path, { content: _content, bytes: _bytes, ...file }]) => [
    path,
    file,
  ]);
  const value = { ...rest, ...(files === undefined ? {} : { files: Object.fromEntries(without) as object }) };
  return `${JSON.stringify(JSON.parse(canonicalJson(value)), null, 2)}\n`;
}
