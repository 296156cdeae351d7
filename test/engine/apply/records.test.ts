import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UNIT_SEPARATOR, record } from '../../../lib/engine/apply/records.js';

describe('a record', () => {
  it('is one line of fields, absent ones empty', () => {
    expect(record('a', undefined, 3, true, '')).toBe('a\u001f\u001f3\u001ftrue\u001f\n');
    expect(record()).toBe('\n');
  });

  it.each(['\n', '\u001f', '\0', '\u007f', '\t'])('holds no %j', (character) => {
    expect(() => record('a', `b${character}`)).toThrow('control character in a record');
  });

  it('gives every field back', () => {
    // eslint-disable-next-line no-control-regex -- the rule is about control characters
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !/[\u0000-\u001f\u007f]/.test(value));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1 }), (fields) => {
        expect(
          record(...fields)
            .slice(0, -1)
            .split(UNIT_SEPARATOR),
        ).toEqual(fields);
      }),
    );
  });
});
