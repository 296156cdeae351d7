import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { manifestDigest } from '../../../manifest/canonical.js';
import { CitadelError } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { decodeDocument } from '../../document.js';

export type ManifestParser = (document: unknown) => HostManifest;

/** Where a host's document is, as the provider's block says it. */
export interface DocumentPlace {
  readonly host: string;
  /** Path of its file; absent where the block names none. */
  readonly document?: string | undefined;
}

/**
 * The manifest in a host's document file.
 *
 * @param folder where Terraform runs, absolute: relative paths start there
 * @param digest what the resource wants it to be; absent: any
 * @throws CitadelError for a file that is not there, is no document, or is another one than the resource's
 */
export function documentOf(
  { host, document }: DocumentPlace,
  folder: string,
  parse: ManifestParser,
  digest?: string,
): HostManifest {
  const property = `hosts["${host}"].document`;
  const refuse = (code: string, got: string, fix: string): CitadelError =>
    new CitadelError({ code: `provider.document.${code}`, path: host, property, got, fix });
  if (document === undefined || document === '') {
    throw refuse('none', 'is null or empty', namesNone(host));
  }
  let text: string;
  try {
    text = readFileSync(resolve(folder, document), 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const got = `${document} cannot be read in ${folder} (${code ?? 'unknown error'})`;
    throw refuse('missing', got, MISSING);
  }
  const data = decodeDocument(text);
  if (data === undefined) throw refuse('json', `${document} is not JSON`, SYNTH);
  const manifest = parse(data);
  if (manifest.host !== host) {
    const got = `${document} is for "${manifest.host}"`;
    throw refuse('host', got, 'Give each host of the provider block its own document, under its own name');
  }
  const is = manifestDigest(manifest);
  if (digest !== undefined && digest !== is) {
    throw refuse('digest', `${document} has the digest ${is}, and the resource asks for ${digest}`, OTHER);
  }
  return manifest;
}

const SYNTH = 'Let the stack write it: run "npx cdktf synth"';
const MISSING =
  'A plan does not hold the document. On this machine, run "npx cdktf synth" at the commit that the plan was made from, ' +
  'or bring the folder "documents" of the stack along with the plan';
const OTHER =
  'Nothing was changed. Run "npx cdktf synth" at the commit that the plan was made from, or plan again from what is here now';

function namesNone(host: string): string {
  return (
    `Name the host's document file there, as "npx cdktf synth" does: for a stack written by hand, ` +
    `"npx citadel-iac render --json ${host} > ${host}.json". ` +
    `To take everything from the host on purpose, destroy the resource`
  );
}
