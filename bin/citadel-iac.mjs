#!/usr/bin/env node
// `npx citadel-iac` in a clone: builds dist/ if a source has changed since it was built, and runs it.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

try {
  const { ensureBuilt } = await import('./build.mjs');
  await ensureBuilt();
  const { main } = await import('../dist/cli.js');
  await main({ folder: root, load: () => import('../dist/site.js') });
} catch (error) {
  process.exitCode = 1;
  // esbuild has said what is wrong with a source.
  if (Array.isArray(error?.errors)) process.exit();
  if (error?.code !== 'ERR_MODULE_NOT_FOUND' && error?.code !== 'MODULE_NOT_FOUND') throw error;
  console.error(
    `[citadel-iac] a package is missing: ${error.message.split('\n', 1)[0]}. Run "npm install" in ${root}.`,
  );
}
