#!/usr/bin/env node
// `npx citadel-iac` on a fresh clone, with no build step: runs the TypeScript sources as one cached file of plain
// JavaScript, made again whenever a source has changed. CITADEL_NO_BUNDLE=1 runs the sources themselves.
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cachedBundle, runBundle } from './bundle-cache.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const bundle = process.env['CITADEL_NO_BUNDLE'] ? undefined : (cachedBundle(root) ?? (await freshBundle()));
  if (bundle === undefined) await runSources();
  else runBundle(bundle, root);
} catch (error) {
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' && error?.code !== 'MODULE_NOT_FOUND') throw error;
  console.error(
    `[citadel-iac] a package is missing: ${error.message.split('\n', 1)[0]}. Run "npm install" in ${root}.`,
  );
  process.exitCode = 1;
}

/** Builds; where that is not possible (no place to write, a platform without esbuild) the sources run as they are. */
async function freshBundle() {
  const { buildBundle } = await import('./bundle-build.mjs');
  return buildBundle(root);
}

async function runSources() {
  const { register } = await import('tsx/esm/api');
  register();
  const { version, citadel } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const { main } = await import('../lib/cli/main.ts');
  const app = join(root, citadel?.app ?? 'stacks/app.ts');
  await main({ version, importApp: () => import(app) });
}
