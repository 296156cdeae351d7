import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import {
  PROVIDER_EXECUTABLE,
  PROVIDER_HOST,
  PROVIDER_NAMESPACE,
  PROVIDER_SOURCE,
  PROVIDER_TYPE,
  PROVIDER_VERSION,
} from '../address.js';

export interface InstallOptions {
  /** Folder in which Terraform runs, for cdktf `cdktf.out/stacks/<stack>`. */
  readonly folder: string;
  /** Absolute path of the provider's program (see `bundle.ts`). */
  readonly program: string;
  /** Absolute path of the project: relative paths in a provider block start there. */
  readonly project: string;
  /** Absolute path of the `node` that runs this; where it is gone, the launcher takes the one on `PATH`. */
  readonly node: string;
}

/**
 * Makes the provider available to Terraform in one folder, without a registry: the launcher where Terraform looks for
 * local providers, and the lock entry that keeps cdktf from asking the registry for one.
 */
export function installProvider(options: InstallOptions): void {
  const folder = join(
    options.folder,
    'terraform.d/plugins',
    PROVIDER_HOST,
    PROVIDER_NAMESPACE,
    PROVIDER_TYPE,
    PROVIDER_VERSION,
    terraformPlatform(process.platform, process.arch),
  );
  mkdirSync(folder, { recursive: true });
  const text = launcher(options);
  // The draft stands outside: everything in the provider's folder counts for its digest.
  writeAtomically(join(folder, PROVIDER_EXECUTABLE), text, 0o755, options.folder);
  const lock = join(options.folder, '.terraform.lock.hcl');
  const hash = h1({ [PROVIDER_EXECUTABLE]: Buffer.from(text) });
  writeAtomically(lock, withLockEntry(readIfThere(lock), hash), 0o644, options.folder);
}

/** The program that Terraform starts: a POSIX shell that becomes node. */
export function launcher(options: Pick<InstallOptions, 'program' | 'project' | 'node'>): string {
  return [
    '#!/bin/sh',
    '# Starts the citadel provider; written by synthesis, which also writes the lock entry with its digest.',
    `node=${quote(options.node)}`,
    '[ -x "$node" ] || node=node',
    `CITADEL_PROJECT_DIR=${quote(options.project)} exec "$node" ${quote(options.program)} "$@"`,
    '',
  ].join('\n');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Go's names of an operating system and processor: `linux_amd64`. */
export function terraformPlatform(platform: NodeJS.Platform, arch: string): string {
  const systems: Readonly<Record<string, string>> = { win32: 'windows', sunos: 'solaris' };
  const processors: Readonly<Record<string, string>> = { x64: 'amd64', ia32: '386' };
  return `${systems[platform] ?? platform}_${processors[arch] ?? arch}`;
}

/** Terraform's `h1:` digest of a package folder: of the lines "sha256, two spaces, name", sorted by name. */
export function h1(files: Readonly<Record<string, Uint8Array>>): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(files).sort()) {
    const content = files[name] ?? new Uint8Array();
    hash.update(`${createHash('sha256').update(content).digest('hex')}  ${name}\n`);
  }
  return `h1:${hash.digest('base64')}`;
}

const BANNER =
  '# This file is maintained automatically by "terraform init".\n# Manual edits may be lost in future updates.\n';

/** The lock file with our entry; what it says of other providers is kept. */
export function withLockEntry(lock: string, hash: string): string {
  const entry = [
    `provider "${PROVIDER_SOURCE}" {`,
    `  version     = "${PROVIDER_VERSION}"`,
    `  constraints = "${PROVIDER_VERSION}"`,
    '  hashes = [',
    `    "${hash}",`,
    '  ]',
    '}',
    '',
  ].join('\n');
  const others = lock
    .split(/^(?=provider ")/m)
    .filter((part) => part.startsWith('provider "') && !part.startsWith(`provider "${PROVIDER_SOURCE}"`))
    .map((part) => `${part.trimEnd()}\n`);
  return [BANNER, ...[...others, entry].sort()].join('\n');
}

function readIfThere(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

/** A launcher that Terraform may be starting right now is replaced, never rewritten in place. */
function writeAtomically(path: string, text: string, mode: number, folder: string): void {
  const draft = join(folder, `.${basename(path)}.${process.pid}`);
  writeFileSync(draft, text);
  chmodSync(draft, mode);
  renameSync(draft, path);
}
