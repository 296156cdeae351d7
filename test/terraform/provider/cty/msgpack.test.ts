import { encode, ExtData } from '@msgpack/msgpack';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  fromDynamic,
  fromMsgpack,
  toDynamic,
  toMsgpack,
} from '../../../../lib/terraform/provider/cty/msgpack.js';
import {
  isWhollyKnown,
  sameValue,
  UNKNOWN,
  type CtyValue,
} from '../../../../lib/terraform/provider/cty/value.js';

describe('values on the wire', () => {
  const cases: Readonly<Record<string, [CtyValue, string]>> = {
    nil: [null, 'c0'],
    'zero number': [0, '00'],
    'zero string': ['', 'a0'],
    'zero list': [[], '90'],
    'zero map': [{}, '80'],
    false: [false, 'c2'],
    unknown: [UNKNOWN, 'd40000'],
    text: ['é', 'a2c3a9'],
    'list with unknown': [['a', UNKNOWN], '92a161d40000'],
    object: [{ a: null, b: 1 }, '82a161c0a16201'],
    'large number': [65_536, 'ce00010000'],
    fraction: [1.5, 'cb3ff8000000000000'],
  };
  it.each(Object.entries(cases))('%s', (_name, [value, hex]) => {
    expect(Buffer.from(toMsgpack(value)).toString('hex')).toBe(hex);
    expect(fromMsgpack(Buffer.from(hex, 'hex'))).toEqual(value);
  });

  it('takes any extension as unknown', () => {
    for (const code of [0, 1, 12, 127]) {
      expect(fromMsgpack(encode({ a: new ExtData(code, Uint8Array.of(1, 2, 3)) }))).toEqual({ a: UNKNOWN });
    }
  });

  it('takes an absent or empty message as null, and JSON where there is no msgpack', () => {
    const none = new Uint8Array();
    expect(fromDynamic(undefined)).toBeNull();
    expect(fromDynamic({ msgpack: none, json: none })).toBeNull();
    expect(fromDynamic({ msgpack: none, json: Buffer.from('{"a":[1]}') })).toEqual({ a: [1] });
  });

  it('brings every JSON value back', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        // JSON knows no negative zero.
        const plain = JSON.parse(JSON.stringify(value)) as CtyValue;
        expect(fromDynamic(toDynamic(plain))).toEqual(plain);
      }),
    );
  });
});

describe('value tests', () => {
  it('know what is wholly known', () => {
    expect(isWhollyKnown(null)).toBe(true);
    expect(isWhollyKnown({})).toBe(true);
    expect(isWhollyKnown({ a: [{ b: UNKNOWN }] })).toBe(false);
  });

  it('compare as Terraform does', () => {
    expect(sameValue(null, null)).toBe(true);
    expect(sameValue({}, [])).toBe(false);
    expect(sameValue({ a: 1, b: [1] }, { b: [1], a: 1 })).toBe(true);
    expect(sameValue({ a: null }, {})).toBe(false);
    expect(sameValue(['a'], ['a', 'b'])).toBe(false);
  });
});
