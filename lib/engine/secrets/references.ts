import type { ExpandedManifest, ManifestFile } from '../../manifest/index.js';
import { SECRET_MARK, secretReferences } from '../../text/secret-reference.js';

/** Literal text, or a reference to a secret. */
export type TemplatePart = { readonly text: string } | { readonly secret: string };

/** `a=@@secret:x@@;` → text `a=`, secret `x`, text `;`. Empty texts are left out. */
export function templateParts(template: string): TemplatePart[] {
  const parts: TemplatePart[] = [];
  let end = 0;
  for (const match of template.matchAll(secretReferences())) {
    if (match.index > end) parts.push({ text: template.slice(end, match.index) });
    parts.push({ secret: match[1] ?? '' });
    end = match.index + match[0].length;
  }
  if (end < template.length) parts.push({ text: template.slice(end) });
  return parts;
}

/** Names of the secrets a file needs, sorted, each once. */
export function fileSecrets(file: Pick<ManifestFile, 'content' | 'secret'>): string[] {
  if (file.secret !== undefined) return [file.secret];
  if (file.content === undefined || !file.content.includes(SECRET_MARK)) return [];
  return [
    ...new Set(templateParts(file.content).flatMap((part) => ('secret' in part ? [part.secret] : []))),
  ].sort();
}

/** Names of the secrets all files of a manifest need, sorted, each once. */
export function manifestSecrets(manifest: Pick<ExpandedManifest, 'files'>): string[] {
  return [...new Set(Object.values(manifest.files ?? {}).flatMap(fileSecrets))].sort();
}

/** The lines of a template that hold a reference, each once, in order. */
export function referenceLines(template: string): string[] {
  if (!template.includes(SECRET_MARK)) return [];
  const lines = template.split('\n').filter((line) => templateParts(line).some((part) => 'secret' in part));
  return [...new Set(lines)];
}

/**
 * The bytes of a file as they will stand on the host.
 *
 * @param values every secret that {@link fileSecrets} names
 */
export function materialise(
  file: Pick<ManifestFile, 'content' | 'bytes' | 'secret'>,
  values: ReadonlyMap<string, Buffer>,
): Buffer {
  if (file.secret !== undefined) return valueOf(file.secret, values);
  if (file.bytes !== undefined) return Buffer.from(file.bytes, 'base64');
  const content = file.content ?? '';
  if (!content.includes(SECRET_MARK)) return Buffer.from(content);
  return Buffer.concat(
    templateParts(content).map((part) =>
      'secret' in part ? valueOf(part.secret, values) : Buffer.from(part.text),
    ),
  );
}

function valueOf(name: string, values: ReadonlyMap<string, Buffer>): Buffer {
  const value = values.get(name);
  if (value === undefined) throw new RangeError(`secret ${name} was not resolved before it was needed`);
  return value;
}
