import { existsSync } from 'node:fs';
import { DEFAULT_LAB, layoutOf, TEST_WORKERS, workerLab } from './layout.js';
import { Lab } from './lab.js';

/** Runs after all tests: the usual lab stays up, those of further workers go. */
export async function teardown(): Promise<void> {
  const usual = process.env['CITADEL_LAB_NAME'] ?? DEFAULT_LAB;
  for (let worker = 2; worker <= TEST_WORKERS; worker += 1) {
    const name = workerLab(usual, worker);
    if (existsSync(layoutOf(name).state)) await Lab.named(name).down();
  }
}
