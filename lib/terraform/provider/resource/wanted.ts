import { CitadelError, type Problem } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { UNKNOWN, type CtyObject } from '../cty/value.js';
import { nullAttribute } from '../null-attribute.js';
import { checkNames, parseDocument, type ManifestParser } from './manifest.js';

/** What a resource's values ask for, once they are known. */
export interface WantedHost {
  readonly name: string;
  /** Spelled as it was given. */
  readonly document: string;
  readonly manifest: HostManifest;
}

interface ResourceValues {
  /** `undefined` while it is known only after another apply. */
  readonly name: string | undefined;
  readonly document: string | undefined;
}

/**
 * The values that a person gives. One that is absent is refused and never taken for "nothing": a host is emptied when
 * its resource is destroyed, and by nothing else.
 *
 * @throws CitadelError with every attribute that has no value
 */
function resourceValues(values: CtyObject, where: string): ResourceValues {
  const name = values['name'] ?? null;
  const document = values['document'] ?? null;
  const host = typeof name === 'string' && name !== '' ? name : where;
  const problems: Problem[] = [
    ...(name === null ? [nullAttribute(host, 'name', NAME_FIX)] : []),
    ...(document === null ? [nullAttribute(host, 'document', documentFix(host))] : []),
  ];
  if (problems.length > 0) throw new CitadelError(problems);
  return { name: textIn(name), document: textIn(document) };
}

/**
 * The host that the values describe, checked against the provider's block where that is given.
 *
 * @param where named in the problems where the values do not name a host
 * @param provider host of the provider's block
 * @returns `undefined` while a value is known only after another apply
 * @throws CitadelError for an absent value, a text that is no document, and the document of another host
 */
export function wantedHost(
  values: CtyObject,
  where: string,
  parse: ManifestParser,
  provider?: string,
): WantedHost | undefined {
  const { name, document } = resourceValues(values, where);
  if (document === undefined) return undefined;
  const manifest = parseDocument(document, name ?? where, parse);
  if (name === undefined) return undefined;
  checkNames({ name, document: manifest.host, provider });
  return { name, document, manifest };
}

function textIn(value: CtyObject[string]): string | undefined {
  if (value === UNKNOWN) return undefined;
  // Terraform converts to the schema's type before it asks; anything else is no document either.
  return typeof value === 'string' ? value : '';
}

const NAME_FIX = "Write the host's name there, as its document has it";

function documentFix(host: string): string {
  return (
    `Write the host's document there, as "npx cdktf synth" does: for a stack written by hand, ` +
    `"npx citadel-iac render --json ${host} > ${host}.json" and document = file("${host}.json"). ` +
    `Terraform's "plan -generate-config-out" writes null for it, because it is sensitive. ` +
    `To take everything from the host on purpose, destroy the resource`
  );
}
