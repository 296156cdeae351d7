import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { causeOf, shortened, type TestResult } from '../../scripts/test-report.js';

const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url));
const CONFIG = fileURLToPath(new URL('failing-suite/vitest.config.ts', import.meta.url));

describe('shortened', () => {
  it('leaves alone what someone reads', () => {
    expect(shortened('')).toBe('');
    const text = 'line\n'.repeat(60);
    expect(shortened(text)).toBe(text);
  });

  it('keeps the beginning and the end of a long text, and of a long line the beginning', () => {
    const short = shortened(Array.from({ length: 1000 }, (_, n) => String(n)).join('\n')).split('\n');
    expect(short).toHaveLength(61);
    expect([short[0], short[39], short[40], short[41], short[60]]).toEqual([
      '0',
      '39',
      '[… 940 lines are not shown …]',
      '980',
      '999',
    ]);
    expect(shortened('x'.repeat(5000))).toBe(`${'x'.repeat(1000)}…`);
  });
});

describe('causeOf', () => {
  it('is one line without colours, however long the words', () => {
    expect(causeOf({ message: '\u001b[31mexpected\u001b[39m\n  {\n  "a": 1 }\n' })).toBe(
      'expected { "a": 1 }',
    );
    expect(causeOf({ message: `begin${'x'.repeat(5000)}end` })).toMatch(/^beginx+…x+end$/);
    expect(causeOf({ message: 'x'.repeat(5000) })).toHaveLength(1200);
  });
});

describe('the report of a run', () => {
  it('names every failure with its cause, counts what broke without a failed test, and stays short', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-report-'));
    try {
      const file = join(folder, 'result.json');
      const run = spawnSync(process.execPath, [VITEST, 'run', '--config', CONFIG], {
        encoding: 'utf8',
        env: { ...process.env, CITADEL_TEST_RESULT: file, NO_COLOR: '1' },
      });
      const result = JSON.parse(readFileSync(file, 'utf8')) as TestResult;
      expect(run.status).toBe(1);
      expect({ ...result, failures: undefined }).toEqual({
        passed: 3,
        failed: 6,
        skipped: 2,
        secondTry: [
          {
            test: 'each-way.failing.ts > passes at its second try',
            cause: 'expected 1 to be 2 // Object.is equality',
          },
        ],
      });
      expect(result.failures.map(({ test, cause }) => `${test}: ${cause.slice(0, 20)}`).sort()).toEqual([
        'each-way.failing.ts > a suite that cannot begin: no lab here',
        'each-way.failing.ts > a suite that cannot end: no one answers',
        'each-way.failing.ts > differs too much: expected [ +0, 1, 2,',
        "each-way.failing.ts > says too much: expected 'a line\\na ",
        'each-way.failing.ts > throws too much: at first a line a li',
        'no-file.failing.ts: cannot be loaded',
      ]);
      expect((run.stdout + run.stderr).split('\n').length).toBeLessThan(600);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
