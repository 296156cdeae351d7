import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lint, pythonFiles } from '../../scripts/python-lint.mjs';

/** Debian's own interpreter: the one that the programs name in their first line. */
const PYTHON = '/usr/bin/python3';
const MODULES = '/usr/lib/python3/dist-packages';
/** For what hangs, not for a machine that is slow or shared. */
const PATIENCE_MS = 900_000;
const PROGRAMS = pythonFiles(['templates/ai-node']);
const TESTS = readdirSync(import.meta.dirname)
  .filter((name) => /^test_\w+\.py$/.test(name))
  .sort();

let scratch = '';
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'citadel-python-'));
});
afterAll(() => {
  rmSync(scratch, { recursive: true, force: true });
});

function python(...args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(PYTHON, ['-B', ...args], {
    encoding: 'utf8',
    timeout: PATIENCE_MS,
    env: { ...process.env, NO_COLOR: '1' },
  });
  return status === 0 ? '' : `status ${status ?? error?.message ?? 'killed'}\n${stdout}${stderr}`;
}

const without = (module: string, debianPackage: string) =>
  existsSync(join(MODULES, module)) ? '' : ` (skipped: ${debianPackage} is not installed)`;

describe('Python programs of the node', () => {
  it('there are programs and tests', () => {
    expect(PROGRAMS.length).toBeGreaterThan(10);
    expect(TESTS.length).toBeGreaterThan(5);
  });

  it('ruff has nothing to say', () => {
    expect(lint(pythonFiles()).join('\n')).toBe('');
  });

  const noMypy = without('mypy', 'mypy');
  it.skipIf(noMypy !== '')(
    `mypy --strict has nothing to say${noMypy}`,
    () => {
      expect(python('-m', 'mypy', '--cache-dir', join(scratch, 'mypy'), ...PROGRAMS)).toBe('');
    },
    PATIENCE_MS,
  );

  const noPytest = without('pytest', 'python3-pytest');
  // One process for all files: each start of pytest costs about a second. What fails is named with its file.
  it.skipIf(noPytest !== '')(
    `pytest has nothing to say${noPytest}`,
    () => {
      expect(python('-m', 'pytest', ...TESTS.map((file) => join('test/node', file)))).toBe('');
    },
    PATIENCE_MS,
  );
});
