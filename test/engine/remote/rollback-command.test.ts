import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

/** `citadel-rollback` as a person types it; where it leads is tested in way-back.test.ts and on hosts. */
const PROGRAM = fileURLToPath(
  new URL('../../../templates/base/usr/local/bin/citadel-rollback', import.meta.url),
);
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;

function type(...words: readonly string[]): { code: number | null; out: string; err: string } {
  const run = spawnSync('/bin/sh', [PROGRAM, ...words], {
    encoding: 'utf8',
    env: { ...process.env, CITADEL_LIB: '/nowhere' },
  });
  return { code: run.status, out: run.stdout, err: run.stderr };
}

it.skipIf(!hasShellcheck)('citadel-rollback is clean to shellcheck (skipped without shellcheck)', () => {
  const run = spawnSync('shellcheck', [PROGRAM], { encoding: 'utf8' });
  expect([run.status, run.stdout]).toEqual([0, '']);
});

it('citadel-rollback offers a host without models what it has, and nothing else', () => {
  expect(type('--help')).toMatchObject({ code: 0, out: expect.stringContaining('to N ') as string });
  expect(type('to', '--help').out).not.toContain('emergency');
  expect(type()).toMatchObject({ code: 2, out: '', err: expect.stringContaining('usage: ') as string });
  expect(type('emergency')).toMatchObject({
    code: 2,
    err: expect.stringContaining('unknown command emergency') as string,
  });
});
