import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_RANGE, rangeNames } from '../../lib/inventory/host-range.js';

describe('rangeNames', () => {
  it.each<[string, string[] | undefined]>([
    ['', ['']],
    ['web', ['web']],
    ['web[1:3]', ['web1', 'web2', 'web3']],
    ['web[08:11].example', ['web08.example', 'web09.example', 'web10.example', 'web11.example']],
    ['db-[a:c]', ['db-a', 'db-b', 'db-c']],
    ['r[1:2]n[1:2]', ['r1n1', 'r1n2', 'r2n1', 'r2n2']],
    ['web[3:1]', undefined],
    ['web[c:a]', undefined],
    ['web[1:a]', undefined],
    ['web[1]', undefined],
    ['web[1:2', undefined],
    ['w]eb[1:2]', undefined],
    [`web[1:${String(MAX_RANGE + 1)}]`, undefined],
    ['r[1:200]n[1:200]', undefined],
  ])('%s', (text, names) => {
    expect(rangeNames(text)).toEqual(names);
  });

  it('counts both ends, with as many digits as the first', () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(50), fc.integer({ min: 1, max: 5 }), (from, more, width) => {
        const names = rangeNames(`h[${String(from).padStart(width, '0')}:${String(from + more)}]`) ?? [];
        expect(names.map((name) => Number(name.slice(1)))).toEqual(
          Array.from({ length: more + 1 }, (_, index) => from + index),
        );
        for (const name of names) expect(name.length).toBeGreaterThanOrEqual(width + 1);
      }),
    );
  });
});
