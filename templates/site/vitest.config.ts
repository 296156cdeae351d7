import { defineConfig } from 'vitest/config';

// Without a file here, vitest takes that of a folder above.
export default defineConfig({ test: { include: ['test/**/*.test.ts'] } });
