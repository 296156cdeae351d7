/**
 * Every check of this project, one after another (arguments go to the tests); goes on after a failure so that one run tells everything.
 * Ends with the test runner's own summary and one plain line, `N passed, N failed, N skipped`, taken from its result.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PROJECT, ensureDebianPackages, ensureNodePackages, prepareEnvironment } from './bootstrap.mjs';

prepareEnvironment();
ensureNodePackages();
const missing = ensureDebianPackages();
const required = process.env.CITADEL_LAB === 'required';
const failed = required && missing.length > 0 ? [`tools missing: ${missing.join(', ')}`] : [];

const script = (name) => ['npm', ['run', '--silent', name]];
const steps = {
  format: script('format:check'),
  lint: script('lint'),
  types: script('typecheck'),
  rooms: script('rooms'),
};
const run = (command, args) =>
  spawnSync(command, args, { cwd: PROJECT, stdio: ['ignore', 'inherit', 'inherit'] });

for (const [name, [command, args]] of Object.entries(steps)) {
  console.log(`\n== ${name}`);
  if (run(command, args).status !== 0) failed.push(name);
}

console.log('\n== tests');
const scratch = mkdtempSync(join(tmpdir(), 'citadel-iac-ci-'));
const resultFile = join(scratch, 'vitest.json');
const vitest = join(PROJECT, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${resultFile}`];
if (run(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)]).status !== 0)
  failed.push('tests');

let result = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, numTodoTests: 0, testResults: [] };
try {
  result = JSON.parse(readFileSync(resultFile, 'utf8'));
} catch {
  failed.push('tests wrote no result');
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
// A file that fails to load or whose hook fails has no failed test of its own; it counts as one.
const brokenFiles = result.testResults.filter(
  (file) => file.status === 'failed' && !file.assertionResults.some((test) => test.status === 'failed'),
).length;
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
console.log(
  `\n${result.numPassedTests} passed, ${result.numFailedTests + brokenFiles} failed, ${skipped} skipped`,
);
process.exit(failed.length > 0 || result.numPassedTests === 0 ? 1 : 0);
