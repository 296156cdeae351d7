import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { gitPatch } from '../../../lib/cli/adopt/patch.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'citadel-patch-'));
  execFileSync('git', ['init', '-q'], { cwd: folder });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What "git apply" makes of files by a patch that was made of them. */
function applied(path: string, before: string, after: string): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, before);
  const patch = `# a remark\n# @@ -1 +1 @@ and more\n${gitPatch([{ path, before, after }])}`;
  execFileSync('git', ['-c', 'core.autocrlf=false', 'apply', '--whitespace=nowarn'], {
    cwd: folder,
    input: patch,
    env: { PATH: process.env['PATH'], GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
  });
  return readFileSync(file, 'utf8');
}

describe('a patch', () => {
  it('is nothing where nothing differs', () => {
    expect(gitPatch([])).toBe('');
    expect(gitPatch([{ path: 'a', before: 'x\n', after: 'x\n' }])).toBe('');
  });

  it('names files from the root of the repository, in order', () => {
    const one = (path: string) => ({ path, before: 'old\n', after: 'new\n' });
    expect(gitPatch([one('b'), one('a b')])).toBe(
      'diff --git a/a b b/a b\n--- a/a b\t\n+++ b/a b\t\n@@ -1 +1 @@\n-old\n+new\n' +
        'diff --git a/b b/b\n--- a/b\n+++ b/b\n@@ -1 +1 @@\n-old\n+new\n',
    );
  });

  it.each([
    ['markers of patches', 'a\nb\n', '--- a/x\n+++ b/x\n@@ -1 +1 @@\ndiff --git a/y b/y\n-a\n+b\n'],
    ['no newline at the end', 'a\nb\n', 'a\nb'],
    ['a newline at the end', 'a\nb', 'a\nb\n'],
    ['CRLF', 'a\nb\nc\n', 'a\r\nb\r\nc\r\n'],
    ['lone carriage returns', 'a\nb\n', 'a\rb\n\r\n'],
    ['separators of lines that are none', 'a\n', 'a\u2028b\u0085c\u000bd\u000ce\n'],
    ['text in other scripts', 'a\n', 'ü \u{1F600} \u202e x\n\ufeff'],
    ['the mark of a missing newline', 'a\n', '\\ No newline at end of file\na\n'],
    ['escape sequences', 'a\n', '\u001b[31ma\u001b[0m\n'],
    ['everything removed', 'a\nb\n', ''],
    ['everything added', '', 'a\nb\n'],
    ['spaces at the ends of lines', 'a\n', 'a  \n\t\n'],
  ])('is taken by git: %s', (_name, before, after) => {
    expect(applied('dir/file', before, after)).toBe(after);
  });

  it.each(['a b/c d', 'ü.yaml', 'a"b\\c', 'tab\there', '-x'])('is taken by git for the name %j', (path) => {
    expect(applied(path, 'a\n', 'b\n')).toBe('b\n');
  });

  it('is taken by git whatever was edited', () => {
    const line = fc.oneof(
      fc.constantFrom(
        '',
        'a',
        'b',
        '-',
        '+',
        ' ',
        '@@ -1,2 +1 @@',
        '--- a/x',
        '+++ b/x',
        'c\r',
        '\\',
        '<%= x %>',
      ),
      fc.string({ unit: 'grapheme', maxLength: 8 }).map((text) => text.replaceAll('\0', '')),
    );
    const text = fc
      .tuple(fc.array(line, { maxLength: 14 }), fc.boolean())
      .map(([lines, ended]) => lines.join('\n') + (ended ? '\n' : ''))
      .filter((value) => value.isWellFormed());
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after);
        expect(applied('file', before, after)).toBe(after);
      }),
      { numRuns: 120 },
    );
  });
});
