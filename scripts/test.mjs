/**
 * `npm test [-- vitest arguments]`: installs what a fresh clone lacks, then runs every test there is.
 * Lab tests run where the lab can (root, Linux) and are reported as skipped, with the reason, elsewhere.
 */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT, ensureDebianPackages, ensureNodePackages, prepareEnvironment } from './bootstrap.mjs';

prepareEnvironment();
ensureNodePackages();
ensureDebianPackages();

const vitest = join(PROJECT, 'node_modules', 'vitest', 'vitest.mjs');
const { status, signal } = spawnSync(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  cwd: PROJECT,
  stdio: 'inherit',
});
process.exit(status ?? (signal === null ? 1 : 130));
