import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, realpathSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import {
  PROVIDER_EXECUTABLE,
  PROVIDER_HOST,
  PROVIDER_NAMESPACE,
  PROVIDER_SOURCE,
  PROVIDER_TYPE,
  PROVIDER_VERSION,
  START_FILE,
} from '../address.js';
import { quotedShellWord } from '../../text/shell-word.js';
import { zipOfExecutable } from './zip.js';

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
 * local providers, what it is to start, and the lock entry that keeps cdktf from asking the registry for one.
 *
 * cdktf gives all projects of an account one plugin cache. So the launcher is the same in all of them, and packed:
 * Terraform would keep a link to an unpacked one, which leads nowhere once that project is moved or deleted.
 */
export function installProvider(options: InstallOptions): void {
  const { folder } = options;
  const platform = terraformPlatform(process.platform, process.arch);
  const mirror = join(folder, 'terraform.d/plugins', PROVIDER_HOST, PROVIDER_NAMESPACE, PROVIDER_TYPE);
  const content = Buffer.from(LAUNCHER);
  const archive = `terraform-provider-${PROVIDER_TYPE}_${PROVIDER_VERSION}_${platform}.zip`;
  writeAtomically(join(mirror, archive), zipOfExecutable(PROVIDER_EXECUTABLE, content), folder);
  writeAtomically(join(folder, START_FILE), startText(options), folder);
  const lock = join(folder, '.terraform.lock.hcl');
  const hash = h1({ [PROVIDER_EXECUTABLE]: content });
  writeAtomically(lock, withLockEntry(readIfThere(lock), hash), folder);
}

/** The program that Terraform starts, in the stack's folder: nothing in it belongs to one project or machine. */
export const LAUNCHER = `#!/bin/sh
# Starts the citadel provider. The same in every project, because Terraform's plugin cache is shared by all of them;
# which program it is stands in the folder of the stack, where Terraform runs this.
start=${START_FILE}
if [ ! -f "$start" ]; then
  echo "The citadel provider finds no $start in $PWD: run 'npx cdktf synth' in the project." >&2
  exit 1
fi
exec /bin/sh "$start" "$@"
`;

/** What the launcher runs: a POSIX shell that becomes node. */
export function startText(options: InstallOptions): string {
  const [folder, project, program] = [options.folder, options.project, options.program].map(realPath);
  const inProject = (path = ''): boolean => path.startsWith(`${project}/`);
  // A project that is moved as a whole keeps working.
  const named = (path = ''): string =>
    inProject(folder) && (path === project || inProject(path)) ? relative(folder ?? '', path) : path;
  return [
    '# What terraform-provider-citadel starts for this stack; written by synthesis.',
    `node=${quotedShellWord(options.node)}`,
    '[ -x "$node" ] || node=node',
    `CITADEL_PROJECT_DIR=${quotedShellWord(named(project))} exec "$node" ${quotedShellWord(named(program))} "$@"`,
    '',
  ].join('\n');
}

/** `..` is the parent of what a folder is, not of what a link to it is called. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
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

/** What Terraform may be reading right now is replaced, never rewritten in place. */
export function writeAtomically(path: string, content: string | Uint8Array, folder: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = join(folder, `.${basename(path)}.${process.pid}`);
  writeFileSync(draft, content);
  renameSync(draft, path);
}
