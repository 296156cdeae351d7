import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseValues } from '../../../../lib/engine/secrets/age/values.js';
import { told } from './support.js';

const pairs = (text: string): [string, string][] =>
  parseValues(text, 's.age').map(({ name, value }) => [name, value]);

describe('the text of an age file', () => {
  it('may be empty or all comments', () => {
    for (const text of ['', '\n', '# nothing yet\n', '---\n']) expect(pairs(text)).toEqual([]);
  });

  it('takes every value as the text that stands there', () => {
    const text = `# comment
a: 0123
b: no
c: null
d: 1.50
e: "tab\\t and \\"quotes\\""
f: |
  -----BEGIN-----
  abc
g: |-
  one line
h: ~
i:
__proto__: x
`;
    expect(pairs(text)).toEqual([
      ['a', '0123'],
      ['b', 'no'],
      ['c', 'null'],
      ['d', '1.50'],
      ['e', 'tab\t and "quotes"'],
      ['f', '-----BEGIN-----\nabc\n'],
      ['g', 'one line'],
      ['h', '~'],
      ['i', ''],
      ['__proto__', 'x'],
    ]);
    expect(parseValues(text, 's.age').at(-1)).toMatchObject({ line: 14 });
  });

  it('may be JSON', () => {
    expect(pairs('{"a": "x: y", "b": "1"}')).toEqual([
      ['a', 'x: y'],
      ['b', '1'],
    ]);
  });

  it.each([
    ['a list', '- hunter2\n', 1, 'is no map of names to values. Write "name: value" lines.'],
    ['one word', 'hunter2\n', 1, 'is no map of names to values. Write "name: value" lines.'],
    [
      'a map in a map',
      'a: b\nhunter2:\n  hunter2: hunter2\n',
      2,
      'has a value that is no text. Give the name one text; "|" begins one of several lines.',
    ],
    [
      'a list of values',
      'a: [hunter2]\n',
      1,
      'has a value that is no text. Give the name one text; "|" begins one of several lines.',
    ],
    [
      'an alias',
      'a: &hunter2 hunter2\nb: *hunter2\n',
      2,
      'has a value that is no text. Give the name one text; "|" begins one of several lines.',
    ],
    ['a name twice', 'hunter2: b\nc: d\nhunter2: e\n', 3, 'gives a name twice. Keep one of the two.'],
    [
      'an open quote',
      'a: "hunter2\nb: c\n',
      3,
      'is not YAML here, or just above. Write "name: value" lines; quote what has special characters.',
    ],
    [
      'a tag',
      'a: !hunter2 hunter2\n',
      1,
      'is not YAML here, or just above. Write "name: value" lines; quote what has special characters.',
    ],
    [
      'half a character',
      'a: "hunter2 \\uD800"\n',
      1,
      'has half a character in it. Write the character itself.',
    ],
  ])('refuses %s, and repeats nothing of it', async (_name, text, line, message) => {
    const words = await told(() => parseValues(text, 's.age'));
    expect(words).toContain(`[s.age:${line}] ${message}`);
    expect(words).not.toContain('hunter2');
  });

  it('never says a word of a text that it refuses', () => {
    const word = 'Zq7xK9';
    const piece = fc.constantFrom(
      word,
      `${word}: `,
      ' ',
      '\n',
      '"',
      "'",
      '[',
      '{',
      '&',
      '*',
      '!',
      '|',
      '%',
      '`',
      '- ',
      '? ',
      '\t',
      '<<: ',
      '---',
      '#',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        try {
          parseValues(pieces.join(''), 's.age');
        } catch (error) {
          expect((error as Error).message).toMatch(/^\[s\.age:\d+\]/);
          expect((error as Error).message).not.toContain(word);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('gives back every map of texts that YAML can hold', () => {
    const name = fc.oneof(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.constantFrom('<<', '__proto__', 'null', '1'),
    );
    const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'binary' }));
    const entries = fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key });
    fc.assert(
      fc.property(entries, (list) => {
        const text = stringify(new Map(list), {
          defaultStringType: 'QUOTE_DOUBLE',
          defaultKeyType: 'QUOTE_DOUBLE',
        });
        expect(pairs(text)).toEqual(list);
        expect(pairs(JSON.stringify(Object.fromEntries(list)))).toHaveLength(
          Object.keys(Object.fromEntries(list)).length,
        );
      }),
    );
  });
});
