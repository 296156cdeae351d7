import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { renderJson, renderYaml, type DataValue } from '../../lib/render/index.js';
import { hostileText } from './hostile.js';

const TRAPS = [
  'yes', 'no', 'on', 'off', 'y', 'N', 'true', 'null', '~', '', '012', '0x1F', '0o7', '1_000', '12:30', '1:2:3', '1e3', '.inf', '-.INF', '.nan',
  '2024-01-01', '2024-01-01T00:00:00Z', '<<', '=', '-', '- a', '? a', ': a', 'a: b', 'a #b', '# a', '&a', '*a', '!a', '!!str', '%a', '@a', '`a',
  '{a}', '[a]', '|', '>', "it's", '"a"', ' a', 'a ', 'a\nb', 'a\n', '\n', '\na', 'a\n\nb\n', 'a\tb', '\t', '{{ $labels.x }}', '---', '...', '--- a',
]; // prettier-ignore

const data: fc.Arbitrary<DataValue> = fc.letrec<{ value: DataValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    hostileText,
    fc.constantFrom(...TRAPS),
    fc.integer(),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((number) => (Object.is(number, -0) ? 0 : number)),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(hostileText, fc.constantFrom(...TRAPS)).filter((key) => key !== '__proto__'),
      tie('value'),
      { maxKeys: 4, noNullPrototype: true },
    ),
  ),
})).value;

const python = spawnSync('python3', ['-c', 'import yaml'], { timeout: 20_000 }).status === 0;

describe('renderYaml', () => {
  it('reads the same again in YAML 1.2 and in YAML 1.1', () => {
    fc.assert(
      fc.property(data, (value) => {
        const text = renderYaml(value);
        expect(parse(text)).toEqual(value);
        expect(parse(text, { version: '1.1' })).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  it.skipIf(!python)(
    `reads the same in Python's YAML 1.1${python ? '' : ' (needs python3 with yaml)'}`,
    () => {
      const values = [
        TRAPS,
        Object.fromEntries(TRAPS.map((text) => [text, text])),
        ...fc.sample(fc.array(hostileText), 100),
      ];
      const script =
        'import sys, json, yaml; print(json.dumps([yaml.safe_load(t) for t in json.load(sys.stdin)]))';
      const { stdout, stderr } = spawnSync('python3', ['-c', script], {
        input: JSON.stringify(values.map((value) => renderYaml(value))),
        encoding: 'utf8',
        timeout: 30_000,
      });
      expect(stderr).toBe('');
      expect(JSON.parse(stdout)).toEqual(values);
    },
  );

  it('keeps the order of keys, long lines and block texts; prints no version and no alias', () => {
    const shared = { a: 1 };
    const long = `${'word '.repeat(60)}end`;
    expect(
      renderYaml(
        { z: shared, a: shared, expr: long, text: 'one\ntwo\n', empty: [], none: undefined },
        { comment: ['Written by citadel-iac', ''] },
      ),
    ).toBe(
      `# Written by citadel-iac\n#\nz:\n  a: 1\na:\n  a: 1\nexpr: ${long}\ntext: |\n  one\n  two\nempty: []\n`,
    );
  });

  it.each<[unknown, string]>([
    [
      { a: [1, Number.NaN] },
      '$.a[1]: NaN cannot be written. Give text, numbers, booleans, null, lists and plain objects.',
    ],
    [
      { a: new Date(0) },
      '$.a: a Date cannot be written. Give text, numbers, booleans, null, lists and plain objects.',
    ],
    [
      [undefined],
      '$[0]: a value of type undefined cannot be written. Give text, numbers, booleans, null, lists and plain objects.',
    ],
    [
      { a: () => 1 },
      '$.a: a value of type function cannot be written. Give text, numbers, booleans, null, lists and plain objects.',
    ],
    [{ a: '\ud800' }, '$.a: the text is not well-formed Unicode. Correct the text.'],
  ])('refuses %#', (value, message) => {
    expect(() => renderYaml(value as DataValue)).toThrow(message);
    expect(() => renderJson(value as DataValue)).toThrow(message);
  });

  it('refuses a value that contains itself', () => {
    const loop: Record<string, DataValue> = {};
    loop.again = loop;
    expect(() => renderYaml(loop)).toThrow('$.again: the value contains itself. Break the cycle.');
  });
});

describe('renderJson', () => {
  it('reads the same again', () => {
    fc.assert(
      fc.property(data, (value) => {
        expect(JSON.parse(renderJson(value))).toEqual(value);
      }),
    );
  });
  it('is indented and ends with a line end', () => {
    expect(renderJson({ b: 1, a: [true] })).toBe('{\n  "b": 1,\n  "a": [\n    true\n  ]\n}\n');
  });
});
