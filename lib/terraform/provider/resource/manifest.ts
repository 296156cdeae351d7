import { CitadelError } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { decodeDocument } from '../../document.js';

export type ManifestParser = (document: unknown) => HostManifest;

/**
 * The manifest in a `document` attribute.
 *
 * @throws CitadelError with every problem of it
 */
export function parseDocument(document: string, host: string, parse: ManifestParser): HostManifest {
  const data = decodeDocument(document);
  if (data === undefined) {
    throw new CitadelError({
      code: 'provider.document.json',
      path: host,
      property: 'document',
      got: 'is not JSON',
      fix: 'Let the stack write it: run "npx cdktf synth"',
    });
  }
  return parse(data);
}

/** A host is described by its own document and reached by its own provider block. */
export function checkNames(names: {
  readonly name: string;
  readonly document: string;
  readonly provider?: string | undefined;
}): void {
  const { name, document, provider } = names;
  const other =
    document !== name
      ? 'the document'
      : provider !== undefined && provider !== name
        ? 'the provider'
        : undefined;
  if (other === undefined) return;
  throw new CitadelError({
    code: 'provider.host.mismatch',
    path: name,
    property: 'name',
    got: `is ${JSON.stringify(name)}, but ${other} is for ${JSON.stringify(other === 'the document' ? document : provider)}`,
    fix: 'Give the resource, its document and its provider block the name of one host',
  });
}
