import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUnifiedDiff } from '../../../lib/engine/diff/unified.js';

const names = { before: '/etc/a', after: '/etc/a' };

describe('formatUnifiedDiff', () => {
  it('is empty for equal texts', () => {
    expect(formatUnifiedDiff('a\n', 'a\n', names)).toBe('');
  });

  it('shows three lines around a change', () => {
    const lines = ['1', '2', '3', '4', '5', '6', '7', '8', '9'];
    const text = (five: string) => `${lines.join('\n').replace('5', five)}\n`;
    expect(formatUnifiedDiff(text('5'), text('five'), names)).toBe(
      '--- /etc/a\n+++ /etc/a\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n',
    );
  });

  it('says where a last line has no newline', () => {
    expect(formatUnifiedDiff('a', 'a\n', names)).toBe(
      '--- /etc/a\n+++ /etc/a\n@@ -1 +1 @@\n-a\n\\ No newline at end of file\n+a\n',
    );
    expect(formatUnifiedDiff('', 'a', { before: '/dev/null', after: '/etc/a' })).toBe(
      '--- /dev/null\n+++ /etc/a\n@@ -0,0 +1 @@\n+a\n\\ No newline at end of file\n',
    );
    expect(formatUnifiedDiff('a\n', '', { before: '/etc/a', after: '/dev/null' })).toBe(
      '--- /etc/a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n',
    );
  });

  // Skipped where patch(1) is not installed.
  it.skipIf(spawnSync('patch', ['--version']).status !== 0)('is a patch that patch(1) understands', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-diff-'));
    const text = fc
      .tuple(
        fc.array(fc.constantFrom('a', 'b', 'c', '', '-x', '+y', '\\ z'), { maxLength: 30 }),
        fc.boolean(),
      )
      .map(([lines, end]) => lines.join('\n') + (end ? '\n' : ''));
    try {
      fc.assert(
        fc.property(text, text, (before, after) => {
          fc.pre(before !== after && before !== '' && after !== '');
          writeFileSync(join(folder, 'f'), before);
          const patch = formatUnifiedDiff(before, after, { before: 'f', after: 'f' });
          execFileSync('patch', ['-s', '-p0', 'f'], { cwd: folder, input: patch });
          expect(readFileSync(join(folder, 'f'), 'utf8')).toBe(after);
        }),
        { numRuns: 60 },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('is what diff(1) prints where one side does not exist', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-diff-'));
    const path = join(folder, 'f');
    try {
      for (const text of ['a', 'a\n', '\n', 'a\nb\n', 'a\r\n\r\nb', '-x\n+y\n\\ z\n', 'é\n'.repeat(9)]) {
        writeFileSync(path, text);
        for (const [before, after] of [
          ['/dev/null', path],
          [path, '/dev/null'],
        ] as const) {
          const side = (name: string): string => (name === path ? text : '');
          const printed = spawnSync('diff', ['-u', before, after], { encoding: 'utf8' }).stdout;
          expect(formatUnifiedDiff(side(before), side(after), { before, after })).toBe(
            printed.replace(/^(---|\+\+\+) (.*)\t.*$/gm, '$1 $2'),
          );
        }
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('ends soon for texts that have nothing in common', () => {
    const text = (word: string) =>
      `same\n${Array.from({ length: 20_000 }, (_, n) => `${word}${n}`).join('\n')}\nend\n`;
    const diff = formatUnifiedDiff(text('a'), text('b'), names);
    expect(diff.startsWith('--- /etc/a\n+++ /etc/a\n@@ -1,20002 +1,20002 @@\n same\n-a0\n')).toBe(true);
    expect(diff.endsWith('\n+b19999\n end\n')).toBe(true);
  });
});
