import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { setScalar } from '../../lib/inventory/index.js';

describe('setScalar', () => {
  it.each([
    ['nothing to add to', '', ['a'], 1, undefined],
    ['a plain value, comments kept', '# x\na: 1 # y\nb: 2\n', ['a'], 7, '# x\na: 7 # y\nb: 2\n'],
    ['inside one line', 'a: { b: 1, c: [1, 2] }\n', ['a', 'c', '1'], 5, 'a: { b: 1, c: [1, 5] }\n'],
    ['a quoted text', "a: 'x' # y\n", ['a'], 'q: "z"', 'a: "q: \\"z\\"" # y\n'],
    ['a text that looks like a number', 'a: x\n', ['a'], '12', 'a: "12"\n'],
    ['a text with a comment in it', 'a: x\n', ['a'], 'b #c', 'a: "b #c"\n'],
    ['a text inside a list', 'a: [x, y]\n', ['a', '0'], '1, 2', 'a: ["1, 2", y]\n'],
    [
      'what is not written, in a block',
      'a:\n  b: 1 # c\n\nd: 2\n',
      ['a', 'e'],
      3,
      'a:\n  b: 1 # c\n  e: 3\n\nd: 2\n',
    ],
    ['what is not written, in one line', 'a: { b: 1 }\n', ['a', 'e'], true, 'a: { b: 1, e: true }\n'],
    ['what is not written, in an empty map', 'a: {}\n', ['a', 'e'], 3, 'a: { e: 3 }\n'],
    ['what is around it neither', 'a: 1', ['t', 'u', 'v'], 3, 'a: 1\nt: { u: { v: 3 } }'],
    [
      'lines that end in CRLF',
      'a:\r\n  b: 1\r\nc: 2\r\n',
      ['a', 'd'],
      3,
      'a:\r\n  b: 1\r\n  d: 3\r\nc: 2\r\n',
    ],
    ['a value that others share', 'a: &x 1\nb: *x\n', ['a'], 2, undefined],
    ['a value that comes from elsewhere', 'a: &x { c: 1 }\nb: *x\n', ['b', 'c'], 2, undefined],
    [
      'a value of a merged map',
      'a: &x { c: 1 }\nb:\n  <<: *x\n  d: 1\n',
      ['b', 'c'],
      2,
      'a: &x { c: 1 }\nb:\n  <<: *x\n  d: 1\n  c: 2\n',
    ],
    ['nothing below a value', 'a: 1\n', ['a', 'b'], 2, undefined],
    ['no YAML', 'a: [\n', ['a'], 2, undefined],
  ] as const)('%s', (_name, text, path, value, expected) => {
    expect(setScalar(text, path, value)).toBe(expected);
  });

  it('changes that value and nothing else, whatever it is', () => {
    const map = fc.dictionary(fc.constantFrom('a', 'b', 'c d'), fc.oneof(fc.integer(), fc.string()), {
      minKeys: 1,
      noNullPrototype: true,
    });
    const whole = fc.dictionary(fc.constantFrom('x', 'y'), map, { minKeys: 1, noNullPrototype: true });
    const value = fc.oneof(fc.string(), fc.integer(), fc.boolean());
    fc.assert(
      fc.property(
        whole,
        fc.boolean(),
        fc.constantFrom('a', 'b', 'c d', 'new'),
        value,
        (document, flow, key, to) => {
          const text = stringify(document, flow ? { collectionStyle: 'flow' } : {});
          const [first = ''] = Object.keys(document);
          const edited = setScalar(text, [first, key], to);
          // A text over several lines is written in a style of its own; refusing is right, another document is not.
          if (edited === undefined && typeof document[first]?.[key] === 'string') return;
          expect(edited).toBeDefined();
          expect(
            isDeepStrictEqual(parse(edited ?? ''), {
              ...document,
              [first]: { ...document[first], [key]: to },
            }),
          ).toBe(true);
        },
      ),
    );
  });
});
