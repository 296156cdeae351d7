import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { defineProgram, loadScript } from '../../../lib/engine/remote/programs.js';

const folder = new URL('../../../lib/engine/remote/', import.meta.url);

describe('loadScript', () => {
  it('reads a script of the folder', () => {
    expect(loadScript('common.sh')).toBe(readFileSync(new URL('common.sh', folder), 'utf8'));
  });

  it('refuses what is not a script of the folder', () => {
    for (const name of ['../programs.ts', '/etc/passwd', 'common', '', '.sh', 'a/b.sh']) {
      expect(() => loadScript(name)).toThrow('not a script name');
    }
    expect(() => loadScript('no-such-script.sh')).toThrow();
  });
});

describe('defineProgram', () => {
  it('puts scripts one after the other', () => {
    const program = defineProgram('citadel-test', 'read', 'common.sh', 'observe.sh');
    expect(program).toMatchObject({ name: 'citadel-test', effect: 'read' });
    expect(program.script).toBe(loadScript('common.sh') + loadScript('observe.sh'));
  });

  it('refuses a name that could be mistaken for an option or a path', () => {
    for (const name of ['-c', '', 'a b', '../x', 'A']) {
      expect(() => defineProgram(name, 'read', 'common.sh')).toThrow('not a program name');
    }
  });

  it('does not touch a file until the text is wanted', () => {
    expect(() => defineProgram('citadel-test', 'write', 'no-such-script.sh')).not.toThrow();
  });
});
