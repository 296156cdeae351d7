import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUnifiedDiff } from '../../../../lib/engine/diff/unified.js';
import {
  blockTexts,
  maskReferences,
  oldSide,
  toLines,
} from '../../../../lib/terraform/provider/resource/text.js';

describe('toLines', () => {
  it.each([
    ['', [], null],
    ['\n', [''], null],
    ['a', ['a'], true],
    ['a\n', ['a'], null],
    ['a\n\nb', ['a', '', 'b'], true],
    ['a\r\n', ['a\r'], null],
  ])('%j', (text, lines, unterminated) => {
    expect(toLines(text)).toEqual({ lines, no_newline_at_end: unterminated });
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('a', '\n', '\r', ' ') }), (text) => {
        const { lines, no_newline_at_end: unterminated } = toLines(text);
        expect(lines.join('\n') + (lines.length === 0 || unterminated ? '' : '\n')).toBe(text);
      }),
    );
  });
});

describe('maskReferences', () => {
  it('names secrets', () => {
    expect(maskReferences('')).toBe('');
    expect(maskReferences('a=@@secret:x_1@@;b=@@secret:y@@')).toBe('a=<secret x_1>;b=<secret y>');
    expect(maskReferences('@@secret:X@@ @@secret:@@')).toBe('@@secret:X@@ @@secret:@@');
  });
});

describe('blockTexts', () => {
  it('finds complete blocks only', () => {
    expect(blockTexts(undefined).size).toBe(0);
    const file = '# BEGIN citadel-iac a\none é\n# END citadel-iac a\nx\n# BEGIN citadel-iac b\ntwo\n';
    expect([...blockTexts(Buffer.from(file))]).toEqual([['a', 'one é\n']]);
  });
});

describe('oldSide', () => {
  const names = { before: '/f', after: '/f' };
  const text = fc
    .array(fc.constantFrom('a', 'b', '', '- c', '+ d', '\\ e', '@@ -1 +1 @@', '--- x'), { maxLength: 30 })
    .chain((lines) => fc.boolean().map((end) => lines.join('\n') + (end && lines.length > 0 ? '\n' : '')));

  it('is the text before, for any two texts', () => {
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        expect(oldSide(formatUnifiedDiff(before, after, names), toLines(after))).toEqual(toLines(before));
      }),
      { numRuns: 2000 },
    );
  });

  it('spells unchanged lines as the new side does', () => {
    const diff = formatUnifiedDiff('p = <secret x #1>\nq\n', 'p = <secret x #1>\nr\n', names);
    expect(oldSide(diff, toLines('p = <secret x>\nr\n'))?.lines).toEqual(['p = <secret x>', 'q']);
  });

  it('knows what is no diff, or none of this text', () => {
    expect(oldSide('', toLines('a\n'))).toBeUndefined();
    expect(oldSide('binary files differ', toLines('a\n'))).toBeUndefined();
    expect(oldSide('@@ -1 +9,2 @@\n-a\n+b\n+c\n', toLines('a\n'))).toBeUndefined();
    expect(oldSide('@@ -1,3 +1 @@\n-a\n', toLines('a\n'))).toBeUndefined();
  });
});
