import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sideBySide, type DiffLine } from '../../../lib/cli/review/side-by-side.js';
import { formatUnifiedDiff } from '../../../lib/engine/index.js';

const names = { before: 'a', after: 'a' };
const textOf = (line: DiffLine | undefined): string | undefined =>
  line?.pieces.map(({ text }) => text).join('');
const marked = (line: DiffLine | undefined): string[] =>
  (line?.pieces ?? []).flatMap(({ text, changed }) => (changed ? [text] : []));

describe('a diff in two columns', () => {
  it('is nothing for nothing', () => {
    expect(sideBySide('')).toEqual([]);
    expect(sideBySide('no diff at all')).toEqual([]);
  });

  it('puts a changed line next to its old self, and marks the words', () => {
    const [part, ...rest] = sideBySide(
      formatUnifiedDiff('one\n--port 11402 \\\nend\n', 'one\n--port 11412 \\\nend\n', names),
    );
    expect(rest).toEqual([]);
    expect(
      part?.rows.map(({ old, now, same }) => [old?.number, textOf(old), now?.number, textOf(now), same]),
    ).toEqual([
      [1, 'one', 1, 'one', true],
      [2, '--port 11402 \\', 2, '--port 11412 \\', false],
      [3, 'end', 3, 'end', true],
    ]);
    expect(part?.rows.map(({ old, now }) => [marked(old), marked(now)])[1]).toEqual([['11402'], ['11412']]);
  });

  it('marks no words where the lines have nothing in common', () => {
    const [part] = sideBySide(formatUnifiedDiff('alpha beta\n', 'gamma delta epsilon\n', names));
    expect([marked(part?.rows[0]?.old), marked(part?.rows[0]?.now)]).toEqual([[], []]);
  });

  it('says where a last line has no end', () => {
    const [part] = sideBySide(formatUnifiedDiff('a\n', 'a', names));
    expect(part?.rows).toMatchObject([{ old: { open: false }, now: { open: true } }]);
  });

  it('takes lines that look like a patch for lines', () => {
    const before = '-- x\n++ y\n@@ -1 +1 @@\n--- a\n+++ b\n\\ No newline\n';
    const [part] = sideBySide(formatUnifiedDiff(before, before.replace('++ y', '++ z'), names));
    expect(part?.rows.map(({ now }) => textOf(now))).toEqual([
      '-- x',
      '++ z',
      '@@ -1 +1 @@',
      '--- a',
      '+++ b',
    ]);
    const [gone] = sideBySide(formatUnifiedDiff(before, '', { before: '/x', after: '/dev/null' }));
    expect(gone?.rows.map(({ old }) => textOf(old))).toEqual(before.trimEnd().split('\n'));
  });

  it('loses and invents nothing', () => {
    const line = fc.constantFrom(
      'a',
      'b',
      '--- a',
      '+++ b',
      '@@ -1,2 +3 @@',
      '',
      ' x',
      '\\ y',
      'Index: q',
      'diff --git a b',
      'long words here',
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 12 }), fc.boolean())
      .map(([lines, end]) => lines.join('\n') + (end && lines.length > 0 ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        const unified = formatUnifiedDiff(before, after, names);
        const rows = sideBySide(unified).flatMap((part) => part.rows);
        const lines = unified
          .split('\n')
          .slice(2, -1)
          .filter((each) => !each.startsWith('\\') && !/^@@ -\d/.test(each));
        expect(rows.flatMap(({ old, same }) => (old === undefined || same ? [] : [textOf(old)]))).toEqual(
          lines.filter((each) => each.startsWith('-')).map((each) => each.slice(1)),
        );
        expect(rows.flatMap(({ now }) => (now === undefined ? [] : [textOf(now)]))).toEqual(
          lines.filter((each) => !each.startsWith('-')).map((each) => each.slice(1)),
        );
      }),
      { numRuns: 300 },
    );
  });
});
