import { defineConfig } from 'vitest/config';
import { TestReport } from './scripts/test-report.js';
import { TEST_WORKERS } from './test/lab/layout.js';
import { LongestFirst } from './test/support/longest-first.js';

/** Sources that use the package by its name, as a site does, get the sources of this clone. */
const resolve = { tsconfigPaths: true };

/** A virtual machine under software emulation takes an hour: `npm run check:long machine` asks for it, and nothing else. */
const machine = {
  resolve,
  test: {
    name: 'machine',
    include: ['test/machine/**/*.test.ts'],
    testTimeout: 6 * 3_600_000,
    hookTimeout: 1_800_000,
  },
};

/** The real vLLM on a lab host: gigabytes of packages and minutes of start-up, so `npm run check:long vllm` asks for it. */
const real = {
  resolve,
  test: {
    name: 'real',
    env: { CITADEL_LAB_ROOT_MIB: '32768' },
    include: ['test/real/*.test.ts'],
    testTimeout: 1_800_000,
    hookTimeout: 3_600_000,
    globalSetup: ['test/lab/global-setup.ts'],
    setupFiles: ['test/lab/worker.ts'],
  },
};

/** Programs of others, from paths in the environment: `npm run check:long terraform` asks for it. */
const terraform = {
  resolve,
  test: {
    name: 'terraform',
    include: ['test/real/terraform/*.test.ts'],
    testTimeout: 900_000,
    hookTimeout: 300_000,
  },
};

/** Unit tests run anywhere and fast; lab tests boot real hosts, every worker its own. */
export default defineConfig({
  test: {
    // `scripts/ci.mjs` asks for the result; the report shortens errors before they are printed.
    reporters: [new TestReport(process.env['CITADEL_TEST_RESULT']), 'default'],
    maxWorkers: TEST_WORKERS,
    sequence: { sequencer: LongestFirst },
    projects: [
      ...(process.env['CITADEL_LONG_CHECK'] === 'machine' ? [machine] : []),
      ...(process.env['CITADEL_LONG_CHECK'] === 'vllm' ? [real] : []),
      ...(process.env['CITADEL_LONG_CHECK'] === 'terraform' ? [terraform] : []),
      {
        resolve,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/e2e/**', 'test/machine/**', 'test/real/**'],
          // For what hangs, not for a machine that is slow or shared.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          setupFiles: ['test/support/fixed-seed.ts'],
        },
      },
      {
        resolve,
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          globalSetup: ['test/lab/global-setup.ts'],
          setupFiles: ['test/lab/worker.ts', 'test/support/fixed-seed.ts'],
          // Deadlines of real connections are real time, and CI machines are shared: a second try, which the report names.
          retry: 1,
        },
      },
    ],
  },
});
