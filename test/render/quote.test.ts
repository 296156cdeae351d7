import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { iniValue, pythonLiteral, shellWord, tomlValue } from '../../lib/render/index.js';
import { hostileText } from './hostile.js';

/** Runs a program on a script and gives what it printed. */
function run(command: string, args: string[], input: string): string {
  const { stdout, stderr } = spawnSync(command, args, { input, encoding: 'utf8', timeout: 30_000 });
  if (stderr !== '') throw new Error(stderr);
  return stdout;
}
const samples = () => fc.sample(hostileText, 300);
const hasPython = spawnSync('python3', ['-c', 'import tomllib'], { timeout: 20_000 }).status === 0;

describe('shellWord', () => {
  it.each([
    ['a/b-c.d', 'a/b-c.d'],
    ['', "''"],
    ["it's", String.raw`'it'\''s'`],
    ['a b', "'a b'"],
    ['~', "'~'"],
    ['A=1', "'A=1'"],
  ])('%j', (text, quoted) => {
    expect(shellWord(text)).toBe(quoted);
  });
  it('arrives byte for byte through sh', () => {
    const texts = samples();
    const script = texts.map((text) => `printf '%s\\0' ${shellWord(text)}`).join('\n');
    expect(run('sh', [], script).split('\0').slice(0, -1)).toEqual(texts);
  });
  it('refuses NUL', () => {
    expect(() => shellWord('a\0')).toThrow('shell word: "a\\u0000" has a NUL character. Take it out.');
  });
});

describe('pythonLiteral and tomlValue', () => {
  it('write literals', () => {
    expect(pythonLiteral(['a"', 1.5, true, null, false])).toBe(String.raw`["a\"", 1.5, True, None, False]`);
    expect(tomlValue(['a"\u007f', 1.5, true])).toBe(String.raw`["a\"\u007f", 1.5, true]`);
  });
  it.skipIf(!hasPython)(`arrive in Python and in TOML${hasPython ? '' : ' (needs Python 3.11)'}`, () => {
    const texts = samples();
    const input = `import json, sys, tomllib
print(json.dumps(${pythonLiteral(texts)}))
print(json.dumps(tomllib.loads(json.loads(${pythonLiteral(JSON.stringify(`a = ${tomlValue(texts)}`))}))["a"]))
`;
    const [fromPython = '', fromToml = ''] = run('python3', ['-'], input).split('\n');
    expect(JSON.parse(fromPython)).toEqual(texts);
    expect(JSON.parse(fromToml)).toEqual(texts);
  });
  it('refuse what has no literal', () => {
    expect(() => tomlValue(Number.NaN)).toThrow('toml number: NaN is not a number. Give a finite number.');
    expect(() => pythonLiteral('\ud800')).toThrow(
      'python string: "\\ud800" is not well-formed Unicode. Correct the text.',
    );
  });
});

describe('iniValue', () => {
  it.each(['plain', 'two words', 'https://a.b/c?d=e', 5, true])('%s', (value) => {
    expect(iniValue(value)).toBe(String(value));
  });
  it.each([' a', 'a;b', 'a#b', '"a"', '${X}', '$__file{/x}', '%(x)s', 'a\\', '`a`'])('refuses %j', (text) => {
    expect(() => iniValue(text)).toThrow(
      `INI value: ${JSON.stringify(text)} is read differently by different programs. Pass it another way: an environment variable, or a file that the program reads.`,
    );
  });
  it('refuses line ends', () => {
    expect(() => iniValue('a\n[b]')).toThrow('INI value: "a\\n[b]" has a line end inside. Give one line.');
  });
});
