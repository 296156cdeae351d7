import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editorCommand, splitWords } from '../../../lib/cli/secrets/editor.js';

describe('the editor', () => {
  it('is VISUAL, then EDITOR, then vi', () => {
    expect(editorCommand({})).toEqual({ from: 'EDITOR', words: ['vi'] });
    expect(editorCommand({ VISUAL: ' ', EDITOR: 'nano -w' })).toEqual({
      from: 'EDITOR',
      words: ['nano', '-w'],
    });
    expect(editorCommand({ VISUAL: 'code --wait', EDITOR: 'nano' })).toEqual({
      from: 'VISUAL',
      words: ['code', '--wait'],
    });
  });

  it('may have quotes, and nothing in it is carried out', () => {
    expect(splitWords(`"/opt/my editor/bin" -c 'set nobackup' a\\ b "x\\"y" ''`)).toEqual([
      '/opt/my editor/bin',
      '-c',
      'set nobackup',
      'a b',
      'x"y',
      '',
    ]);
    expect(splitWords('vi $(id) `id`; rm -rf $HOME')).toEqual(['vi', '$(id)', '`id`;', 'rm', '-rf', '$HOME']);
    for (const open of [`vi '`, 'vi "', 'vi "\\"', 'vi \\']) expect(splitWords(open)).toBeUndefined();
  });

  it('is split as a shell splits it, where a shell would expand nothing', () => {
    const piece = fc.constantFrom('a', ' ', '  ', "'", '"', '\\', 'b c', '-x', '=', '/', '\t');
    const lines = fc.array(
      fc.array(piece, { maxLength: 10 }).map((parts) => parts.join('')),
      { minLength: 40, maxLength: 40 },
    );
    fc.assert(
      fc.property(lines, (all) => {
        const closed = all.filter((line) => splitWords(line) !== undefined);
        const script = closed
          .map((line) => `set -- ${line}\nfor w do printf '<%s>' "$w"; done; echo`)
          .join('\n');
        const { stdout, status } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
        expect(status).toBe(0);
        const words = closed.map((line) => (splitWords(line) ?? []).map((word) => `<${word}>`).join(''));
        expect(stdout.split('\n').slice(0, -1)).toEqual(words);
      }),
      { numRuns: 20 },
    );
  });
});
