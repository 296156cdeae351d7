import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { conflicting, gpuPeaks, type GpuClaim } from '../../../lib/roles/ai/gpu-budget.js';

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

const claims = fc
  .tuple(
    fc.array(fc.integer({ min: 1, max: 100 }), { minLength: 1, maxLength: NAMES.length }),
    fc.array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom(...NAMES)), { maxLength: 8 }),
  )
  .map(([shares, pairs]): GpuClaim[] =>
    shares.map((share, index) => {
      const name = NAMES[index] ?? '';
      const conflicts = pairs.filter(([a, b]) => a === name && b !== name).map(([, b]) => b);
      return { name, gpus: [0], share: share / 100, conflicts };
    }),
  );

/** By trying every set. */
function greatest(all: readonly GpuClaim[]): number {
  let best = 0;
  for (let bits = 0; bits < 2 ** all.length; bits += 1) {
    const set = all.filter((_, index) => (bits >> index) & 1);
    if (set.some((a) => set.some((b) => a !== b && conflicting(a, b)))) continue;
    best = Math.max(
      best,
      set.reduce((sum, { share }) => sum + Math.round(share * 100), 0),
    );
  }
  return best / 100;
}

describe('the budget of a GPU', () => {
  it('is nothing without services', () => {
    expect(gpuPeaks([])).toEqual([]);
  });

  it('is the greatest sum of services that may run together', () => {
    fc.assert(
      fc.property(claims, (all) => {
        expect(gpuPeaks(all)[0]?.total).toBe(greatest(all));
      }),
    );
  });

  it('counts a service on each of its GPUs', () => {
    const wide: GpuClaim = { name: 'wide', gpus: [1, 0], share: 0.5, conflicts: [] };
    const one: GpuClaim = { name: 'one', gpus: [1], share: 0.2, conflicts: [] };
    expect(gpuPeaks([wide, one]).map(({ gpu, total }) => [gpu, total])).toEqual([
      [0, 0.5],
      [1, 0.7],
    ]);
  });
});
