import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeLayers } from '../../lib/inventory/merge-layers.js';
import type { Source } from '../../lib/inventory/raw.js';
import { memberOf, membersOf, writtenAt, type Written } from '../../lib/inventory/written.js';

type Value = string | number | null | readonly number[] | { readonly [key: string]: Value };

const sources = new WeakMap<Source, unknown>();

function written(value: Value): Written {
  const source: Source = { value, locate: () => '', locateKey: () => '' };
  sources.set(source, value);
  return { value, at: { file: '', source, path: [], layer: { kind: 'defaults' } } };
}

/** The nearest first, each nearer than all after it. */
const inLine = (one: number, other: number): boolean => one < other;
const unordered = (): boolean => false;

function merged(layers: readonly Value[], nearer = inLine): unknown {
  return mergeLayers(layers.map(written), nearer).written.value;
}

describe('layers', () => {
  it.each<[string, Value[], Value]>([
    ['one is what it is', [{ a: [1] }], { a: [1] }],
    [
      'maps are merged, however deep',
      [{ a: { b: 1 } }, { a: { c: { d: 2 } }, e: 3 }],
      { a: { b: 1, c: { d: 2 } }, e: 3 },
    ],
    ['a list takes the place of a list', [{ a: [1] }, { a: [2, 3] }], { a: [1] }],
    ['a single value takes the place of a map', [{ a: 1 }, { a: { b: 2 } }], { a: 1 }],
    ['a map takes the place of a single value', [{ a: { b: 2 } }, { a: 1 }], { a: { b: 2 } }],
    ['what was replaced does not come back', [{ a: { b: 2 } }, { a: 1 }, { a: { c: 3 } }], { a: { b: 2 } }],
    ['nothing is a value', [{ a: null }, { a: 1 }], { a: null }],
    ['an empty map adds nothing and takes nothing', [{ a: {} }, { a: { b: 1 } }], { a: { b: 1 } }],
  ])('%s', (_name, layers, wanted) => {
    expect(merged(layers)).toEqual(wanted);
  });

  it('of which neither is nearer must agree', () => {
    const { conflicts } = mergeLayers([{ a: { b: 1, c: 1 } }, { a: { b: 1, c: 2 } }].map(written), unordered);
    expect(conflicts.map(({ path }) => path)).toEqual([['a', 'c']]);
  });

  it('may disagree where a nearer one decides', () => {
    const { written: result, conflicts } = mergeLayers(
      [{ a: 3 }, { a: 1 }, { a: 2 }].map(written),
      (one, other) => one === 0 && other > 0,
    );
    expect([result.value, conflicts]).toEqual([{ a: 3 }, []]);
  });
});

/** Keys that say by their first letter of what kind their values are, so that kinds never meet. */
const settings: fc.Arbitrary<Value> = fc.letrec<{ map: Value }>((tie) => ({
  map: fc
    .record(
      {
        m1: fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('map')),
        m2: fc.oneof({ depthSize: 'small' }, fc.constant({}), tie('map')),
        s1: fc.nat(3),
        s2: fc.constantFrom('a', 'b'),
        l1: fc.array(fc.nat(2), { maxLength: 2 }),
      },
      { requiredKeys: [] },
    )
    .map((map) => map as Value),
})).map;

/** A map in which any kind of value may stand under any key. */
const anything: fc.Arbitrary<Value> = fc.dictionary(
  fc.constantFrom('a', 'b', '__proto__', 'toString'),
  fc.oneof(fc.nat(2), fc.dictionary(fc.constantFrom('a', 'b'), fc.oneof(fc.nat(2), fc.constant({})))),
  { noNullPrototype: true },
);

const RUNS = { numRuns: 150 };

describe('any layers', () => {
  it('may be merged in parts, in whatever order of parts', () => {
    fc.assert(
      fc.property(settings, settings, settings, (a, b, c) => {
        const all = merged([a, b, c]);
        expect(merged([merged([a, b]) as Value, c])).toEqual(all);
        expect(merged([a, merged([b, c]) as Value])).toEqual(all);
      }),
      RUNS,
    );
  });

  it('with nothing are what they were, and so are equal ones', () => {
    fc.assert(
      fc.property(anything, (a) => {
        expect(merged([a, {}])).toEqual(a);
        expect(merged([{}, a])).toEqual(a);
        expect(merged([a, a], unordered)).toEqual(a);
      }),
      RUNS,
    );
  });

  it('of equal rank make the same of it in whatever order they come, or a conflict', () => {
    fc.assert(
      fc.property(settings, settings, (a, b) => {
        const [one, other] = [
          mergeLayers([a, b].map(written), unordered),
          mergeLayers([b, a].map(written), unordered),
        ];
        const paths = ({ conflicts }: typeof one): string[] =>
          conflicts.map(({ path }) => path.join('.')).sort();
        expect(paths(one)).toEqual(paths(other));
        if (one.conflicts.length === 0) expect(one.written.value).toEqual(other.written.value);
      }),
      RUNS,
    );
  });

  it('leave each value at the place where it is written, of the nearest layer that has it', () => {
    fc.assert(
      fc.property(fc.array(anything, { minLength: 1, maxLength: 4 }), (layers) => {
        const result = mergeLayers(layers.map(written), inLine).written;
        const walk = (here: Written, path: string[]): void => {
          const inside = membersOf(here);
          if (inside.length > 0) for (const [key, member] of inside) walk(member, [...path, key]);
          else {
            const origin = sources.get(here.at.source) as Value;
            const there = here.at.path.reduce<Written>(memberOf, written(origin));
            expect(there.value).toEqual(here.value);
            expect(here.at.path).toEqual(path);
            const first = layers.find((layer) => writtenAt(written(layer), path).value !== undefined);
            if (typeof here.value === 'number') expect(origin).toBe(first);
          }
        };
        walk(result, []);
      }),
      RUNS,
    );
  });
});
