import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { EXPECT, FETCH, HISTORY, OBSERVE } from '../../../lib/engine/observe/programs.js';

const programs = [OBSERVE, FETCH, HISTORY, EXPECT];

describe('the reading programs', () => {
  it.each(programs)('$name may be given to a transport that cannot write', (program) => {
    expect(program.effect).toBe('read');
  });

  it.each(programs)('$name redirects nothing into a file', (program) => {
    const redirections = program.script
      .split('\n')
      .filter((line) => !line.trimStart().startsWith('#'))
      .flatMap((line) => line.match(/>{1,2}(?![&>])\s*\S+/g) ?? [])
      // Into nothing, and so not into a file.
      .filter((redirection) => !/^>\s*\/dev\/null/.test(redirection));
    expect(redirections).toEqual([]);
  });

  // Skipped where shellcheck is not installed.
  it.skipIf(spawnSync('shellcheck', ['--version']).status !== 0).each(programs)(
    '$name is clean to shellcheck',
    (program) => {
      // Variables of common.sh that one program does not use (SC2034).
      const result = spawnSync('shellcheck', ['-s', 'dash', '-e', 'SC2034', '-'], { input: program.script });
      expect(result.stdout.toString()).toBe('');
    },
  );
});
