import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { suggest } from '../../lib/text/suggest.js';

describe('suggest', () => {
  const KEYS = ['address', 'gpuMemoryUtilization', 'hostKeys', 'port', 'ssh'];
  it.each([
    ['adress', 'address'],
    ['prot', 'port'],
    ['hostkeys', 'hostKeys'],
    ['host-keys', 'hostKeys'],
    ['gpu_memory_utilization', 'gpuMemoryUtilization'],
    ['shs', 'ssh'],
    ['colour', undefined],
    ['', undefined],
  ])('%s → %s', (name, wanted) => {
    expect(suggest(name, KEYS)).toBe(wanted);
  });

  it('finds each key itself, whatever else there is', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.stringMatching(/^[a-z]{4,12}$/), { minLength: 1 }), (keys) => {
        for (const key of keys) expect(suggest(key, keys)).toBe(key);
      }),
    );
  });
});
