import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellWord } from '../../lib/text/shell-word.js';

/** What a real shell makes of the words. */
function throughShell(words: readonly string[]): string[] {
  const script = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
  const output = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.split('\0').slice(0, -1);
}

describe('shellWord', () => {
  it('leaves plain words alone and quotes all others', () => {
    expect(shellWord('/bin/sh')).toBe('/bin/sh');
    expect(shellWord('')).toBe("''");
    expect(shellWord('a b')).toBe("'a b'");
    expect(shellWord("it's")).toBe("'it'\\''s'");
    expect(shellWord('a=b')).toBe("'a=b'");
  });

  it('refuses what no argument can hold', () => {
    expect(() => shellWord('a\0b')).toThrow(RangeError);
  });

  it('brings hostile words through sh unchanged', () => {
    const words = [
      '$(touch /tmp/x)',
      '`id`',
      '${HOME}',
      '%{x}',
      '\\',
      "'",
      "''",
      '"',
      '-n',
      '--',
      '~',
      '*',
      '!',
      '#',
      'a\nb\n\n',
      '\r\t\u001b[0m',
      'ünïcode 漢字 🙂',
      '&&',
      ';',
      '|',
      'x'.repeat(100_000),
    ];
    expect(throughShell(words)).toEqual(words);
  });

  it('brings any text through sh unchanged', () => {
    const hostile = fc.constantFrom(...'\'"`$\\ \n\t;&|<>(){}[]*?~#!=%-a'.split(''), 'é', '🙂');
    const word = fc.oneof(
      fc.string({ unit: hostile }),
      fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0') && text.isWellFormed()),
    );
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 20 }), (words) => {
        expect(throughShell(words)).toEqual(words);
      }),
      { numRuns: 150 },
    );
  });
});
