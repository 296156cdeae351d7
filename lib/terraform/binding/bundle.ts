import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type * as Esbuild from 'esbuild';
import type { BuildOptions, Metafile } from 'esbuild';
import { codeCacheFile, MAIN_FILE, SERVER_FILE, WRITE_CODE_CACHE } from '../bundle-files.js';
import { inlineScripts } from '../../engine/remote/inline.js';

/** The provider as two files of plain JavaScript that start fast, in a folder named by their content. */
export interface ProviderBundle {
  /** Absolute path of the program's file: `node <main>` is the provider. */
  readonly main: string;
  /** The folder's name: a digest of everything that went in. */
  readonly id: string;
}

export interface BundleOptions {
  /** Folder under which bundles are kept, usually `node_modules/.cache/citadel-iac`. */
  readonly cache: string;
  /** Module that exports `serve`, in place of the provider's own: tests bring one with a double of the engine. */
  readonly server?: string;
}

const REPOSITORY = fileURLToPath(new URL('../../../', import.meta.url));
const PROVIDER = join(REPOSITORY, 'lib/terraform/provider');
/** Bundles that no synthesis has asked for this long are removed, in milliseconds. */
const UNUSED_MS = 30 * 86_400_000;

/**
 * Makes the provider's bundle, or finds the one that was made from the same sources. Nobody has to build anything by
 * hand: synthesis calls this, and it takes a few milliseconds when nothing has changed.
 */
export function bundleProvider(options: BundleOptions): ProviderBundle {
  const server = options.server ?? join(PROVIDER, 'server.ts');
  const recipe = join(options.cache, `inputs-${digest(relative(REPOSITORY, server)).slice(0, 8)}.json`);
  const known = readKnown(recipe, options.cache);
  if (known !== undefined) return known;

  const built = build(server);
  const id = digest(built.main, built.server).slice(0, 16);
  const folder = join(options.cache, `provider-${id}`);
  if (!existsSync(join(folder, MAIN_FILE))) {
    // Written aside and moved into place: two syntheses at once, or one that is killed, leave no half of a bundle.
    const draft = `${folder}.${process.pid}`;
    mkdirSync(draft, { recursive: true });
    writeFileSync(join(draft, 'package.json'), '{ "type": "commonjs" }\n');
    writeFileSync(join(draft, SERVER_FILE), built.server);
    writeFileSync(join(draft, MAIN_FILE), built.main);
    moveInPlace(draft, folder);
  }
  warmUp(folder);
  removeUnused(options.cache);
  writeRecipe(recipe, { id, inputs: hashInputs(built.inputs) });
  return { main: join(folder, MAIN_FILE), id };
}

interface Built {
  readonly main: Uint8Array;
  readonly server: Uint8Array;
  readonly inputs: readonly string[];
}

function build(server: string): Built {
  // Loaded only when there is something to build, which is rare.
  const esbuild = createRequire(import.meta.url)('esbuild') as typeof Esbuild;
  const common = {
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    minifyWhitespace: true,
    minifySyntax: true,
    keepNames: true,
    metafile: true,
    write: false,
    absWorkingDir: REPOSITORY,
    // Loading by `import()` goes through the slower of Node's two loaders.
    supported: { 'dynamic-import': false },
    logLevel: 'silent',
    // Optional native parts; their JavaScript stands in where they cannot be loaded.
    external: ['*.node', 'cpu-features'],
    define: {
      ...inlineScripts(),
      CITADEL_TOOL_VERSION: JSON.stringify(packageVersion()),
      'import.meta.url': '"file:///bundle"',
    },
  } satisfies BuildOptions;
  // The server is a file of its own, so that the handshake does not wait for its text to be read.
  const main = esbuild.buildSync({ ...common, entryPoints: [join(PROVIDER, 'main.ts')] });
  const rest = esbuild.buildSync({ ...common, entryPoints: [server] });
  return {
    main: only(main.outputFiles),
    server: only(rest.outputFiles),
    inputs: [...inputsOf(main.metafile), ...inputsOf(rest.metafile), ...SCRIPTS_AND_LOCK],
  };
}

/** What goes into a bundle without being one of its modules. */
const SCRIPTS_AND_LOCK: readonly string[] = [
  'package.json',
  'package-lock.json',
  'lib/terraform/binding/bundle.ts',
];

function packageVersion(): string {
  const text = readFileSync(join(REPOSITORY, 'package.json'), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}

function inputsOf(metafile: Metafile): string[] {
  return Object.keys(metafile.inputs).filter((path) => !path.includes(':'));
}

function only(files: readonly { readonly contents: Uint8Array }[]): Uint8Array {
  return files[0]?.contents ?? new Uint8Array();
}

interface Recipe {
  readonly id: string;
  /** Path in the repository → digest, and the digest of all remote scripts. */
  readonly inputs: Readonly<Record<string, string>>;
}

const SCRIPTS = 'remote scripts';

function hashInputs(paths: readonly string[]): Record<string, string> {
  const files = [...new Set(paths)].sort().map((path) => [path, hashFile(path)] as const);
  return { ...Object.fromEntries(files), [SCRIPTS]: digest(inlineScripts().CITADEL_REMOTE_SCRIPTS) };
}

function hashFile(path: string): string {
  try {
    return digest(readFileSync(join(REPOSITORY, path)));
  } catch {
    return 'absent';
  }
}

function readKnown(recipe: string, cache: string): ProviderBundle | undefined {
  let known: Recipe;
  try {
    known = JSON.parse(readFileSync(recipe, 'utf8')) as Recipe;
  } catch {
    return undefined;
  }
  const main = join(cache, `provider-${known.id}`, MAIN_FILE);
  const now = hashInputs(Object.keys(known.inputs).filter((path) => path !== SCRIPTS));
  const same = Object.entries(known.inputs).every(([path, hash]) => now[path] === hash);
  if (!same || !existsSync(main)) return undefined;
  const folder = dirname(main);
  warmUp(folder);
  markUsed(folder);
  return { main, id: known.id };
}

/** Lets the program keep the code that V8 makes of it; a bundle without it works as well, and starts slower. */
function warmUp(folder: string): void {
  if (existsSync(join(folder, codeCacheFile(process.version, process.arch)))) return;
  spawnSync(process.execPath, [join(folder, MAIN_FILE), WRITE_CODE_CACHE], {
    stdio: 'ignore',
    timeout: 30_000,
  });
}

function markUsed(folder: string): void {
  const now = new Date();
  utimesSync(folder, now, now);
}

function removeUnused(cache: string): void {
  const limit = Date.now() - UNUSED_MS;
  for (const name of readdirSync(cache).filter((it) => it.startsWith('provider-'))) {
    const folder = join(cache, name);
    if (statSync(folder).mtimeMs < limit) rmSync(folder, { recursive: true, force: true });
  }
}

function writeRecipe(path: string, recipe: Recipe): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(recipe));
  renameSync(draft, path);
}

function moveInPlace(draft: string, folder: string): void {
  try {
    renameSync(draft, folder);
  } catch (error) {
    if (existsSync(join(folder, MAIN_FILE))) {
      rmSync(draft, { recursive: true, force: true });
      return;
    }
    // Something is there, but no bundle: what a cleaning left, not what another synthesis made.
    if (!existsSync(folder)) throw error;
    rmSync(folder, { recursive: true, force: true });
    renameSync(draft, folder);
  }
}

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
