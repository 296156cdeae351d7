import { defineConfig } from 'vitest/config';
import { TestReport } from '../../../scripts/test-report.js';

export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.failing.ts'],
    reporters: [new TestReport(process.env['CITADEL_TEST_RESULT']), 'default'],
  },
});
