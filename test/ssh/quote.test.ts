import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { quoteShellWord } from '../../lib/ssh/index.js';

/** What a real shell makes of the words. */
function throughShell(words: readonly string[]): string[] {
  const script = `printf '%s\\0' ${words.map(quoteShellWord).join(' ')}`;
  const output = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  return output.split('\0').slice(0, -1);
}

describe('quoteShellWord', () => {
  it('leaves plain words alone and quotes all others', () => {
    expect(quoteShellWord('/bin/sh')).toBe('/bin/sh');
    expect(quoteShellWord('')).toBe("''");
    expect(quoteShellWord('a b')).toBe("'a b'");
    expect(quoteShellWord("it's")).toBe("'it'\\''s'");
    expect(quoteShellWord('a=b')).toBe("'a=b'");
  });

  it('refuses what no argument can hold', () => {
    expect(() => quoteShellWord('a\0b')).toThrow(RangeError);
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
