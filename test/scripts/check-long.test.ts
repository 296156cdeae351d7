import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { expect, it } from 'vitest';

const run = (...names: string[]) =>
  spawnSync(process.execPath, ['scripts/check-long.mjs', ...names], { encoding: 'utf8' });

it('lists the long checks when none is named', () => {
  const { status, stdout, stderr } = run();
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  expect(stdout.match(/^[a-z]+(?= {2}\S)/gm)).toEqual([
    'fuzz',
    'faults',
    'documents',
    'chains',
    'alerts',
    'machine',
    'vllm',
    'ssh',
    'drills',
    'fleet',
    'terraform',
    'mutation',
  ]);
});

it.each(['nightly', 'toString'])('refuses %s, which is none, and lists them', (name) => {
  const { status, stdout, stderr } = run(name);
  expect({ status, stderr }).toEqual({
    status: 1,
    stderr: `There is no long check "${name}". Take one of these:\n`,
  });
  expect(stdout).toContain('fuzz  ');
});

it('leaves a fixed seed to every random test but those of a long check', () => {
  const { seed } = fc.readConfigureGlobal();
  expect(seed).toBe(Number(process.env['CITADEL_SEED'] ?? 1));
  expect(fc.sample(fc.integer(), 5)).toEqual(fc.sample(fc.integer(), 5));
});
