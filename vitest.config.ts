import { defineConfig } from 'vitest/config';
import { TestReport } from './scripts/test-report.js';

/** Unit tests run anywhere and fast; lab tests boot real hosts and run one file at a time. */
export default defineConfig({
  test: {
    // `scripts/ci.mjs` asks for the result; the report shortens errors before they are printed.
    reporters: [new TestReport(process.env['CITADEL_TEST_RESULT']), 'default'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/lab/**', 'test/e2e/**'],
          // For what hangs, not for a machine that is slow or shared.
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'lab',
          include: ['test/lab/**/*.test.ts', 'test/e2e/**/*.test.ts'],
          testTimeout: 180_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          // Deadlines of real connections are real time, and CI machines are shared: a second try, which the report names.
          retry: 1,
        },
      },
    ],
  },
});
