import { describe, expect, it } from 'vitest';
import { lockedOf, lockText, parseLock } from '../../../../lib/roles/ai/weights/lock-file.js';
import {
  isMeant,
  isPlainRelative,
  parseSource,
  sourceFault,
} from '../../../../lib/roles/ai/weights/source.js';
import { lockProblems } from '../../../../lib/roles/ai/weights/weights-rules.js';
import { problemTexts } from '../../../constructs/host/support.js';

const SHA = 'a'.repeat(64);
const COMMIT = 'b'.repeat(40);
const FILES = { 'model.safetensors': { size: 7, sha256: SHA }, 'config.json': { size: 2, sha256: SHA } };
const PHI = { from: 'hf://org/phi@main', include: [], exclude: ['*.bin'], revision: COMMIT, files: FILES };

describe('a source of weights', () => {
  it('is read into its parts', () => {
    expect(parseSource('hf://org/phi-3.5@refs/pr/1')).toEqual({
      kind: 'hub',
      repository: 'org/phi-3.5',
      revision: 'refs/pr/1',
    });
    expect(parseSource('https://example.net/phi/')).toEqual({
      kind: 'https',
      url: 'https://example.net/phi/',
    });
    expect(parseSource('dir:/srv/phi')).toEqual({ kind: 'folder', path: '/srv/phi' });
  });

  it.each([
    '',
    'hf://phi@main',
    'hf://org/phi',
    'hf://org/phi@',
    'hf://org/../phi@main',
    'dir:srv/phi',
    'dir:/srv/../etc',
    'http://example.net/phi/',
    'https://example.net/phi',
    'https://anna:secret@example.net/phi/',
    'https://example.net/phi/?key=secret',
    's3://bucket/phi',
  ])('is refused: %j', (text) => {
    expect(parseSource(text)).toBeUndefined();
    expect(sourceFault(text)).toMatch(/^is not /);
  });
});

describe('patterns of files', () => {
  it.each([
    ['model.safetensors', [], [], true],
    ['sub/model.bin', ['*.bin'], [], true],
    ['model.bin', ['*.safetensors', 'config.json'], [], false],
    ['config.json', ['*.safetensors', 'config.json'], [], true],
    ['configXjson', ['config.json'], [], false],
    ['original/model.bin', [], ['original/*'], false],
    ['q4.gguf', ['q?.gguf'], ['q8*'], true],
    ['a(1)[b].bin', ['a(1)[b].*'], [], true],
  ] as const)('%s by %j without %j: %s', (path, include, exclude, meant) => {
    expect(isMeant(path, include, exclude)).toBe(meant);
  });

  it('take no path that leaves its folder', () => {
    const bad = [
      '',
      '/etc/passwd',
      '../x',
      'a/../../x',
      'a//b',
      './a',
      'a\\b',
      'a\nb',
      'a\u202eb',
      'x'.repeat(256),
    ];
    expect(bad.filter(isPlainRelative)).toEqual([]);
    expect(
      ['a', 'a/b c.json', '.gitattributes', 'ü/模型.bin'].filter((path) => !isPlainRelative(path)),
    ).toEqual([]);
  });
});

describe('a lock file', () => {
  it('that is not there has no entries', () => {
    expect(parseLock(undefined)).toEqual([]);
  });

  it('is the same text whatever the order, and is read back', () => {
    const other = { from: 'dir:/srv/other', include: ['b', 'a'], exclude: [], files: {} };
    const text = lockText([PHI, other]);
    expect(lockText([other, PHI])).toBe(text);
    expect(text).toContain('  - from: dir:/srv/other\n    include:\n      - a\n      - b\n    files: {}\n');
    expect(parseLock(text)).toEqual([{ ...other, include: ['a', 'b'] }, PHI]);
    expect(lockText(parseLock(text))).toBe(text);
  });

  it('that someone has damaged is refused by its lines', () => {
    const text = lockText([PHI]);
    const read = (changed: string) => problemTexts(() => parseLock(changed, 'models.lock.yaml'));
    const fix = 'Take the file back from git, or delete it and run: citadel-iac models lock.';
    expect(read(text.replace(SHA, 'f00'))).toEqual([
      `[models.lock.yaml:11:17] is not a SHA-256: 64 hexadecimal digits. ${fix}`,
    ]);
    expect(read(text.replace('config.json', '../config.json'))).toEqual([
      expect.stringContaining('is not a relative path inside of a folder'),
    ]);
    expect(read('<<<<<<< HEAD\n')).toEqual([
      expect.stringMatching(/^\[models\.lock\.yaml:1:1\] .*Take the file back/),
    ]);
    expect(read('')).not.toEqual([]);
  });

  it('knows declarations that mean the same files', () => {
    expect(lockedOf([PHI], { from: PHI.from, exclude: ['*.bin'] })).toBe(PHI);
    expect(lockedOf([PHI], { from: PHI.from })).toBeUndefined();
    expect(lockedOf([PHI], { from: 'hf://org/phi@v2', exclude: ['*.bin'] })).toBeUndefined();
  });

  it('refuses weights that no one has looked at, model by model', () => {
    const models = {
      none: {},
      phi3: { weights: { from: PHI.from, exclude: ['*.bin'] } },
      moved: { weights: { from: 'hf://org/phi@v2' } },
      wider: { weights: { from: PHI.from } },
    };
    expect(lockProblems(models, [PHI])).toEqual([
      {
        code: 'construct.weights.lock',
        property: 'models.moved.weights',
        got: 'hf://org/phi@v2 is not in models.lock.yaml',
        fix: 'Run: citadel-iac models lock moved',
      },
      {
        code: 'construct.weights.lock',
        property: 'models.wider.weights',
        got: 'models.lock.yaml has hf://org/phi@main with other "include" or "exclude"',
        fix: 'Run: citadel-iac models lock wider',
      },
    ]);
  });
});
