/**
 * Every check of this project, one after another (arguments go to the tests); goes on after a failure so that one run tells everything.
 * Ends with the test runner's own summary, the name and cause of everything that failed, a line to a test, and one plain
 * line, `N passed, N failed, N skipped`. Where the numbers and names come from: `test-report.ts`.
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
const run = (command, args, env = process.env) =>
  spawnSync(command, args, { cwd: PROJECT, stdio: ['ignore', 'inherit', 'inherit'], env });

for (const [name, [command, args]] of Object.entries(steps)) {
  console.log(`\n== ${name}`);
  if (run(command, args).status !== 0) failed.push(name);
}

console.log('\n== tests');
const scratch = mkdtempSync(join(tmpdir(), 'citadel-iac-ci-'));
const resultFile = join(scratch, 'result.json');
const vitest = join(PROJECT, 'node_modules', 'vitest', 'vitest.mjs');
const tests = run(process.execPath, [vitest, 'run', ...process.argv.slice(2)], {
  ...process.env,
  CITADEL_TEST_RESULT: resultFile,
});
if (tests.status !== 0) failed.push('tests');

let result = { passed: 0, failed: 0, skipped: 0, failures: [], secondTry: [] };
try {
  result = JSON.parse(readFileSync(resultFile, 'utf8'));
} catch {
  failed.push(`tests wrote no result (${tests.signal ?? `status ${tests.status}`})`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** At most so many lines: when everything fails, it does so for one reason. */
const LISTED = 100;
const list = (heading, tests) => {
  if (tests.length === 0) return;
  console.log(`\n${heading}`);
  for (const { test, cause } of tests.slice(0, LISTED)) console.log(`  ${test}: ${cause}`);
  if (tests.length > LISTED) console.log(`  and ${tests.length - LISTED} more`);
};
list('Passed at the second try; the first one met:', result.secondTry);
list('Failed tests:', result.failures);
if (failed.length > 0) console.log(`\nFailed: ${failed.join(', ')}`);
console.log(`\n${result.passed} passed, ${result.failed} failed, ${result.skipped} skipped`);
process.exit(failed.length > 0 || result.passed === 0 ? 1 : 0);
