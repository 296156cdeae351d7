import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { validationRecords } from '../../../lib/engine/apply/validations.js';
import { validateManifest } from '../../../lib/manifest/index.js';
import { withFault } from '../support/faults.js';
import { runText } from '../support/run-text.js';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'citadel-command-'));
  mkdirSync(join(dir, 'ops'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const root = { owner: 'root', group: 'root', mode: '0644' };

/** What the transaction makes of files `a` and `b`, each with this validator, with or without a candidate tree. */
function verdict(command: readonly string[], tree = ''): { ok: boolean; words: string; bad: string } {
  const document = validateManifest({
    version: 1,
    host: 'h',
    files: Object.fromEntries(
      ['a', 'b'].map((name) => [
        join(dir, name),
        { content: '', ...root, validate: { command: [...command] } },
      ]),
    ),
  });
  const paths = Object.keys(document.files ?? {});
  const list = validationRecords(
    document,
    paths.map(
      (path) => ({ op: 'file', path, source: '-', owner: 'root', group: 'root', mode: '0644' }) as never,
    ),
  );
  writeFileSync(join(dir, 'list'), list);
  for (const path of paths) {
    mkdirSync(join(tree, path, '..'), { recursive: true });
    writeFileSync(join(tree, path), `content of ${path}\n`);
  }
  const script = withFault(`DIR='${dir}'\nvalidate_list '${dir}/list' '${tree}'\nexit $?\n`);
  const result = runText(script, ['']);
  expect(result.stderr.toString('utf8')).toBe('');
  const read = (name: string): string => {
    try {
      return readFileSync(join(dir, name), 'utf8');
    } catch {
      return '';
    }
  };
  return { ok: result.status === 0, words: read('words.all'), bad: read('bad').trim() };
}

describe('a program that a document names as validator', () => {
  it('reads the file in place of %s, and nothing of a word is read by a shell', () => {
    const found = verdict(['/bin/sh', '-c', 'echo "$1|$2"; cat "$2"; exit 3', 'x', '$(id) *', '%s']);
    expect(found).toEqual({
      ok: false,
      bad: join(dir, 'a'),
      words: `$(id) *|${join(dir, 'a')}\ncontent of ${join(dir, 'a')}\n`,
    });
  });

  it('accepts by exit status 0', () => {
    expect(verdict(['grep', '-q', '^content', '--', '%s'])).toMatchObject({ ok: true, bad: '' });
  });

  it('is asked once for all files where it finds them by itself', () => {
    const count = join(dir, 'count');
    expect(verdict(['/bin/sh', '-c', `echo run >>'${count}'`]).ok).toBe(true);
    expect(readFileSync(count, 'utf8')).toBe('run\n');
  });

  it('is named with its exit status when it says nothing', () => {
    expect(verdict(['false']).words).toBe('false said nothing and ended with exit status 1\n');
  });

  it('reads the staged file where there is no candidate, and is not asked about the live host', () => {
    const tree = join(dir, 'tree');
    expect(verdict(['grep', '-q', '^content', '--', '%s'], tree).ok).toBe(true);
    expect(verdict(['false'], tree).ok).toBe(true);
  });
});

it('is refused in a document when it names no program', () => {
  const of = (command: string[]): unknown =>
    validateManifest({
      version: 1,
      host: 'h',
      files: { '/a': { content: '', ...root, validate: { command } } },
    });
  expect(() => of([])).toThrow(/files\["\/a"\].validate/);
  expect(() => of(['-x'])).toThrow(/names no program/);
  expect(() => of(['a\nb'])).toThrow(/control character/);
});
