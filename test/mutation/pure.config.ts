import { defineConfig } from 'vitest/config';

/** The unit tests that show a pure core's faults in milliseconds: those that start no process and build no inventory. */
export default defineConfig({
  cacheDir: '.tmp-vite',
  test: {
    include: [
      'test/manifest/*.test.ts',
      'test/engine/{diff,plan,back}/*.test.ts',
      'test/engine/observe/parse.test.ts',
      'test/engine/apply/*.test.ts',
    ],
    exclude: [
      'test/engine/plan/{examples,plan-host}.test.ts',
      // A hundred documents for each mutant; the tables show what they show.
      'test/manifest/*.property.test.ts',
      'test/engine/apply/{follow,progress,outcome}.test.ts',
    ],
    runner: 'test/mutation/pure-runner.ts',
    isolate: false,
    pool: 'threads',
    maxWorkers: 1,
    testTimeout: 3_600_000,
    setupFiles: ['test/support/fixed-seed.ts'],
  },
});
