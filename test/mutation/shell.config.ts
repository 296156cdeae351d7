import { defineConfig } from 'vitest/config';

/** The tests that run the host's programs on an offline root. */
export default defineConfig({
  cacheDir: '/tmp/citadel-vite',
  test: {
    include: ['test/engine/{remote,observe,recovery}/*.test.ts'],
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    setupFiles: ['test/support/fixed-seed.ts', 'test/mutation/reach-setup.ts'],
  },
});
