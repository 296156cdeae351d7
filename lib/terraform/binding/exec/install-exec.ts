import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { canonicalJson, manifestDigest } from '../../../manifest/canonical.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { PACKAGE_ROOT } from '../../../text/assets.js';
import type { TerraformStack } from '../cdk.js';
import { encodeDocument } from '../../document.js';
import { secretsOf, type HostBinding } from '../host-binding.js';
import { portable, workingFolder } from '../install-stack.js';
import { inventoryOf } from './inventory-file.js';

const PROGRAM = join(PACKAGE_ROOT, 'bin/citadel-iac.mjs');

/** How `local-exec` calls the command line tool: every path as seen from the project's folder, where it runs. */
export interface Calls {
  /** The project's folder, seen from where Terraform runs. */
  readonly workingDir: string;
  readonly program: string;
  readonly inventory: string;
  /** The manifest's file; its name has the manifest's digest in it, so a plan never applies a later one. */
  readonly manifest: string;
  /** A manifest with nothing in it: everything that is managed goes. */
  readonly nothing: string;
}

/** Writes what the calls of one host read into the stack's folder. */
export function installCalls(stack: TerraformStack, binding: HostBinding, manifest: HostManifest): Calls {
  const project = process.cwd();
  const { host, target } = binding;
  const folder = join(workingFolder(stack), 'exec', host);
  mkdirSync(folder, { recursive: true });
  const name = `manifest-${manifestDigest(manifest).slice(0, 16)}.json`;
  const files = {
    [name]: encodeDocument(manifest),
    'nothing.json': encodeDocument({ version: 1, host }),
    'inventory.json': canonicalJson(inventoryOf(host, target, secretsOf(binding), project)),
  };
  for (const [file, text] of Object.entries(files)) write(join(folder, file), `${text}\n`);
  // What an earlier synthesis wanted: a plan saved then finds it gone, which is better than to apply what is newer.
  for (const file of readdirSync(folder)) if (!Object.hasOwn(files, file)) rmSync(join(folder, file));
  const seen = (path: string): string => portable(relative(project, path));
  return {
    workingDir: portable(relative(workingFolder(stack), project)),
    program: seen(PROGRAM),
    inventory: seen(join(folder, 'inventory.json')),
    manifest: seen(join(folder, name)),
    nothing: seen(join(folder, 'nothing.json')),
  };
}

function write(path: string, text: string): void {
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, text);
  renameSync(draft, path);
}
