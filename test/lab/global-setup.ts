import { existsSync } from 'node:fs';
import { ensureBase } from './base/build.js';
import { DEFAULT_LAB, HOST_NAMES, HOSTS, layoutOf, TEST_WORKERS, workerLab } from './layout.js';
import { Lab } from './lab.js';
import { ensurePrerequisites, obstacle } from './prerequisites.js';

/**
 * Runs before all lab tests: makes what labs of this machine share, so that workers do not build it side by side, each with
 * the patience of one test.
 */
export async function setup(): Promise<void> {
  if (obstacle() !== undefined) return; // the tests say it, or fail where the lab is required
  const progress = (line: string): void => {
    process.stderr.write(`lab: ${line}\n`);
  };
  await ensurePrerequisites(progress);
  const suites = [...new Set(HOST_NAMES.map((name) => HOSTS[name].suite))];
  for (const suite of suites) await ensureBase(suite, progress);
}

/** Runs after all tests: the usual lab stays up, those of further workers go. */
export async function teardown(): Promise<void> {
  const usual = process.env['CITADEL_LAB_NAME'] ?? DEFAULT_LAB;
  for (let worker = 2; worker <= TEST_WORKERS; worker += 1) {
    const name = workerLab(usual, worker);
    if (existsSync(layoutOf(name).state)) await Lab.named(name).down();
  }
}
