import { DEFAULT_LAB, workerLab } from './layout.js';

/** Runs before each test file: every worker of the test runner has a lab of its own, the first one the usual lab. */
const worker = Number(process.env['VITEST_POOL_ID'] ?? '1');
process.env['CITADEL_LAB_NAME'] = workerLab(process.env['CITADEL_LAB_NAME'] ?? DEFAULT_LAB, worker);
