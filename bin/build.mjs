/**
 * Builds `dist/`, which is all that the package has in it: every entry point in one esbuild call, what is read at run
 * time under `dist/assets/`, and with `--types`, as for a package, the declarations and nothing of earlier builds.
 *
 *     node bin/build.mjs [--types]
 *
 * A clone never has to call it: `npx citadel-iac` and the synthesis build when a source has changed. A file of `dist/` is
 * replaced as a whole and chunks are named by their content, so that what runs meanwhile finds all its parts.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');
/** Digest of the names, sizes and times of all sources that `dist/` was built from. */
const STAMP = join(DIST, 'sources.sha256');
/** A process that started before this many milliseconds ago has loaded all its parts. */
const IN_USE_MS = 600_000;

/** Name in `dist/` without `.js` → TypeScript file. */
export const ENTRY_POINTS = {
  bin: 'lib/cli/bin.ts',
  cli: 'lib/cli/main.ts',
  index: 'lib/entry/index.ts',
  'roles/base': 'lib/entry/roles/base.ts',
  'roles/ai': 'lib/entry/roles/ai.ts',
  'roles/gateway': 'lib/entry/roles/gateway.ts',
  'roles/monitoring': 'lib/entry/roles/monitoring.ts',
  terraform: 'lib/entry/terraform.ts',
  testing: 'lib/entry/testing.ts',
  provider: 'lib/terraform/provider/main.ts',
  site: 'citadel.config.ts',
};

/** What packages that are CommonJS find in every module of theirs. */
const COMMON_JS = [
  "import{createRequire as requireFrom}from'node:module';",
  "import{dirname as folderOf}from'node:path';",
  "import{fileURLToPath as pathOf}from'node:url';",
  'const require=requireFrom(import.meta.url),__filename=pathOf(import.meta.url),__dirname=folderOf(__filename);',
].join('');
/**
 * Zod would compile code for every object schema at its first use, which pays after thousands of values; a command checks a few
 * documents and ends. This is `config({ jitless: true })` before any schema is declared, without loading zod where it is not used.
 */
const ZOD_CONFIG = 'globalThis.__zod_globalConfig??={jitless:true};';

/** What is read at run time by its path in the repository: folders, and the ending of what counts in them. */
const ASSETS = [
  ['templates', ''],
  ['lib/engine/remote', '.sh'],
  ['lib/cli/doctor', '.sh'],
  ['stacks/inventory', '.schema.json'],
];

/** Everything that `dist/` is made of. */
const SOURCES = [
  'citadel.config.ts',
  'lib',
  'stacks',
  'templates',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'bin/build.mjs',
];

/** Builds `dist/` if a source has changed, appeared or gone since it was built. */
export async function ensureBuilt() {
  const stamp = stampOfSources();
  const whole = Object.keys(ENTRY_POINTS).every((name) => existsSync(join(DIST, `${name}.js`)));
  if (whole && readIfThere(STAMP) === stamp) return;
  const { build } = await import('esbuild');
  const written = new Set([STAMP, ...(await bundle(build, ENTRY_POINTS, DIST)), ...copyAssets()]);
  removeOld(written);
  replaceFile(STAMP, stamp);
}

/**
 * Bundles entry points into ES modules that share chunks.
 *
 * @param entryPoints name in `outdir` without `.js` → TypeScript file
 * @returns the files written
 */
export async function bundle(build, entryPoints, outdir) {
  const { outputFiles } = await build({
    entryPoints,
    outdir,
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    write: false,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    minify: true,
    keepNames: true,
    chunkNames: 'chunk-[hash]',
    logLevel: 'error',
    banner: { js: `${COMMON_JS}${ZOD_CONFIG}` },
    define: { CITADEL_BUILT: 'true' },
    plugins: [englishOnly],
    // Native parts are optional everywhere. A site brings the synthesis library, and its own modules.
    external: ['*.node', 'cpu-features', 'constructs', 'cdktf', 'cdktn', '@cdktf/*', 'esbuild', 'tsx'],
  });
  const isEntry = ({ path }) => relative(outdir, path).replace(/\.js$/, '') in entryPoints;
  // Entries last: whoever starts one meanwhile finds the chunks that it names.
  for (const file of [...outputFiles].sort((a, b) => isEntry(a) - isEntry(b)))
    replaceFile(file.path, file.contents);
  return outputFiles.map(({ path }) => path);
}

/** Zod's messages in fifty languages are half of its text, and nothing here chooses one. */
const englishOnly = {
  name: 'english-only',
  setup({ onLoad }) {
    onLoad({ filter: /zod\/v4\/locales\/index\.js$/ }, () => ({
      contents: "export { default as en } from './en.js';",
    }));
  },
};

function copyAssets() {
  const copied = [];
  for (const [folder, ending] of ASSETS) {
    for (const path of filesOf(join(ROOT, folder)).filter((name) => name.endsWith(ending))) {
      const target = join(DIST, 'assets', relative(ROOT, path));
      const content = readFileSync(path);
      if (!readIfThere(target, null)?.equals(content)) replaceFile(target, content);
      copied.push(target);
    }
  }
  return copied;
}

/** Removes what earlier builds wrote: modules once no process may still load them, assets at once, because folders of them are listed. */
function removeOld(current) {
  for (const path of filesOf(DIST)) {
    if (current.has(path) || path.startsWith(join(DIST, 'types/'))) continue;
    if (path.startsWith(join(DIST, 'assets/'))) {
      rmSync(path, { force: true });
      continue;
    }
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && Date.now() - mtimeMs > IN_USE_MS) rmSync(path, { force: true });
  }
}

function stampOfSources() {
  const hash = createHash('sha256');
  for (const source of SOURCES) {
    for (const path of filesOf(join(ROOT, source))) {
      const { size, mtimeMs } = statSync(path);
      hash.update(`${path.slice(ROOT.length)} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex');
}

/** The files below a folder (or the file itself), absolute, in a fixed order. */
function filesOf(path) {
  let entries;
  try {
    entries = readdirSync(path, { withFileTypes: true });
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    // A copy of the project may be without a lock file, for example.
    if (error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const name = join(path, entry.name);
    if (entry.isDirectory()) return filesOf(name);
    return entry.isFile() ? [name] : [];
  });
}

/** Another process reads the old file or the new one, never half of it. */
function replaceFile(path, content) {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}`;
  writeFileSync(draft, content);
  renameSync(draft, path);
}

function readIfThere(path, encoding = 'utf8') {
  try {
    return readFileSync(path, encoding);
  } catch {
    return undefined;
  }
}

/** The declarations of all modules, for whoever compiles against the package. */
function writeTypes() {
  const { status } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules/typescript/bin/tsc'), '--project', join(ROOT, 'tsconfig.build.json')],
    { cwd: ROOT, stdio: 'inherit' },
  );
  if (status !== 0) process.exit(1);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const forPackage = process.argv.includes('--types');
  if (forPackage) rmSync(DIST, { recursive: true, force: true });
  await ensureBuilt();
  if (forPackage) writeTypes();
}
