import { DOCUMENT_PARTS, manifestDigest, type HostManifest } from '../../manifest/index.js';
import { byKey } from '../../text/order.js';
import { attributeLine } from './attributes.js';
import { visible, type Style } from './style.js';

/** A manifest for reading: each section with its items and attributes; contents as a number of lines. */
export function manifestText(manifest: HostManifest, style: Style): string {
  const sections = DOCUMENT_PARTS.flatMap((section) => {
    const items = Object.entries<object>(manifest[section] ?? {});
    if (items.length === 0) return [];
    return [
      '',
      `  ${style.bold(section)}`,
      ...items.sort(byKey).map(([key, value]) => itemLine(key, value, style)),
    ];
  });
  const digest = style.dim(`digest ${manifestDigest(manifest).slice(0, 12)}`);
  return [`${style.bold(manifest.host)}  ${digest}`, ...sections, ''].join('\n');
}

function itemLine(key: string, value: object, style: Style): string {
  const { content, bytes, ...rest } = value as { content?: string; bytes?: string } & Record<string, unknown>;
  const lines =
    content === undefined ? {} : { lines: content.split('\n').length - (content.endsWith('\n') ? 1 : 0) };
  const size = bytes === undefined ? {} : { bytes: Buffer.from(bytes, 'base64').length };
  const attributes = attributeLine({ ...rest, ...lines, ...size });
  return `    ${visible(key)}${attributes === '' ? '' : `  ${style.dim(attributes)}`}`;
}

/** JSON members in the order of their names, at every depth, so that equal manifests print alike. */
export function sortedValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(byKey)
      .map(([key, member]) => [key, sortedValue(member)]),
  );
}
