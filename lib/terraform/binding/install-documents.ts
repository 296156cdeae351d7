import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { HostManifest } from '../../manifest/schema.js';
import { encodeDocument } from '../document.js';
import type { TerraformStack } from './cdk.js';
import { writeAtomically } from './install.js';
import { workingFolder } from './install-stack.js';

const FOLDER = 'documents';

/** Where a host's document is, seen from where Terraform runs: the same in every clone. */
export function documentPath(host: string): string {
  return `${FOLDER}/${host}.json`;
}

/** Writes the documents of a stack's hosts into its folder. Those of hosts that have left it go, with nothing else. */
export function installDocuments(stack: TerraformStack, manifests: readonly HostManifest[]): void {
  const folder = workingFolder(stack);
  mkdirSync(join(folder, FOLDER), { recursive: true });
  const texts = new Map(manifests.map((it) => [`${it.host}.json`, `${encodeDocument(it)}\n`]));
  for (const [name, text] of texts) writeAtomically(join(folder, FOLDER, name), text, folder);
  for (const name of readdirSync(join(folder, FOLDER))) {
    if (!texts.has(name) && name.endsWith('.json')) rmSync(join(folder, FOLDER, name));
  }
}
