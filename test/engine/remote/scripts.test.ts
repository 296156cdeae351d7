import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import * as apply from '../../../lib/engine/apply/programs.js';
import * as observe from '../../../lib/engine/observe/programs.js';
import * as recovery from '../../../lib/engine/recovery/programs.js';
import type { RemoteProgram } from '../../../lib/engine/transport.js';

const programs = Object.values({ ...apply, ...observe, ...recovery }).filter(
  (value): value is RemoteProgram => typeof value === 'object' && 'script' in value,
);

/** Programs are put together from shared parts, and not each uses all of them. */
const EXCLUDED = ['SC2034'];
const hasShellcheck = spawnSync('shellcheck', ['--version']).status === 0;

describe.each(programs.map((program) => [program.name, program] as const))('%s', (_name, { script }) => {
  it.skipIf(!hasShellcheck)('is clean to shellcheck as POSIX sh (skipped without shellcheck)', () => {
    const run = spawnSync('shellcheck', ['--shell=sh', `--exclude=${EXCLUDED.join(',')}`, '-'], {
      input: script,
    });
    expect(run.stdout.toString('utf8')).toBe('');
    expect(run.status).toBe(0);
  });

  it('can be read by this machine’s sh', () => {
    const run = spawnSync('/bin/sh', ['-n'], { input: script });
    expect([run.status, run.stderr.toString('utf8')]).toEqual([0, '']);
  });
});

it('knows all programs', () => {
  expect(programs.map(({ name }) => name).sort()).toEqual(
    expect.arrayContaining([
      'citadel-apply',
      'citadel-attach',
      'citadel-control',
      'citadel-recover',
      'citadel-transaction',
    ]),
  );
});
