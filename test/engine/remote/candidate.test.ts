import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

it.each([
  ['a live host', 'true', false],
  ['an offline root, which is not the machine that it is on', 'false', true],
])('what validators were shown of a killed transaction goes with it: %s', (_name, onHost, stays) => {
  const dir = mkdtempSync(join(tmpdir(), 'citadel-candidate-'));
  mkdirSync(join(dir, 'candidate/var/lib'), { recursive: true });
  writeFileSync(join(dir, 'candidate/var/lib/password'), 'staged secret');
  const script = withFault(
    `BASE='${dir}' DIR='${dir}' CANDIDATE='${dir}/candidate'\non_host() { ${onHost}; }\nrecover; exit $?\n`,
  );
  const result = runText(script, ['']);
  expect([result.status, result.stderr.toString('utf8')]).toEqual([0, '']);
  expect(existsSync(join(dir, 'candidate'))).toBe(stays);
  rmSync(dir, { recursive: true });
});
