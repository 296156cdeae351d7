// Makes the bundle of the command line tool and of the project's app module. Loaded only when a source has changed.
import { readFileSync, readdirSync, rmSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { cacheFolder, replaceFile, sha256 } from './bundle-cache.mjs';

/** Looked at on every start although no module imports them: what a bundle is made with, and of which packages. */
const ALSO = ['package.json', 'package-lock.json', 'bin/bundle-build.mjs', 'tsconfig.json'];

/** @returns the bundle, or `undefined` when none can be made here */
export async function buildBundle(root) {
  const { version, citadel } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const app = `./${citadel?.app ?? 'stacks/app.ts'}`;
  const { build } = await import('esbuild');
  let result;
  try {
    result = await build({
      stdin: {
        contents:
          `import { main } from './lib/cli/main.ts';\n` +
          `void main({ version: ${JSON.stringify(version)}, importApp: () => import(${JSON.stringify(app)}) });\n`,
        resolveDir: root,
        sourcefile: 'citadel-iac.ts',
        loader: 'ts',
      },
      absWorkingDir: root,
      bundle: true,
      write: false,
      metafile: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      minifyWhitespace: true,
      minifySyntax: true,
      minifyIdentifiers: true,
      keepNames: true,
      logLevel: 'silent',
      // Native parts are optional everywhere; cdktf is no part of this tool, but an app may import it.
      external: ['*.node', 'cpu-features', 'cdktf', '@cdktf/*', 'esbuild', 'tsx'],
      plugins: [ownPlace],
    });
  } catch (error) {
    // The sources themselves say best what is wrong with them.
    if (process.env['CITADEL_DEBUG']) console.error(error);
    return undefined;
  }
  const source = result.outputFiles[0].text;
  const name = `${sha256(source).slice(0, 16)}.cjs`;
  const folder = cacheFolder(root);
  const file = join(folder, name);
  try {
    replaceFile(file, source);
    replaceFile(
      join(folder, 'current.json'),
      JSON.stringify({ root, file: name, inputs: describeInputs(root, result.metafile) }),
    );
    forgetOld(folder, name);
  } catch (error) {
    // A read-only checkout: this run has its bundle all the same.
    if (process.env['CITADEL_DEBUG']) console.error(error);
  }
  return { file, source };
}

/** Modules find files beside them by `import.meta.url`: each keeps its own, whatever it was bundled into. */
const ownPlace = {
  name: 'own-place',
  setup(build) {
    build.onLoad({ filter: /\.(ts|mts|js|mjs)$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes('import.meta.url')) return undefined;
      const contents = text.replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href));
      return { contents, loader: /ts$/.test(path) ? 'ts' : 'js' };
    });
  },
};

/** Packages are known by the lock file; hashing their files on every start would take longer than the work. */
function describeInputs(root, metafile) {
  const own = Object.keys(metafile.inputs).filter(
    (path) => !path.includes('node_modules/') && path !== 'citadel-iac.ts',
  );
  const entries = [...new Set([...own, ...ALSO])].sort().flatMap((path) => {
    const file = join(root, path);
    const stat = statSync(file, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return [[path, { size: stat.size, mtimeMs: stat.mtimeMs, sha256: sha256(readFileSync(file)) }]];
  });
  return Object.fromEntries(entries);
}

/** Earlier bundles, after ten minutes; a process that runs one has all of it in memory. */
function forgetOld(folder, current) {
  const stem = current.slice(0, -'.cjs'.length);
  for (const name of readdirSync(folder)) {
    if (name === 'current.json' || name.startsWith(stem)) continue;
    const path = join(folder, name);
    const { mtimeMs } = statSync(path, { throwIfNoEntry: false }) ?? {};
    if (mtimeMs !== undefined && Date.now() - mtimeMs > 600_000) rmSync(path, { force: true });
  }
}
