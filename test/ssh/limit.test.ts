import { describe, expect, it } from 'vitest';
import { startLimit } from '../../lib/ssh/limit.js';

/** Keeps the process from doing anything else. */
function busy(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

describe('a deadline', () => {
  const fail = (kind: string): Error => new Error(kind);

  it('ends what takes too long', async () => {
    await expect(startLimit(0.02, undefined, fail).expired).rejects.toThrow('timeout');
  });

  it('does not count the time in which this process itself was busy', async () => {
    const limit = startLimit(0.2, undefined, fail);
    const answer = new Promise<string>((resolve) => setTimeout(() => setTimeout(resolve, 20, 'answer'), 10));
    busy(500);
    expect(await Promise.race([answer, limit.expired])).toBe('answer');
    limit.stop();
  });

  it('comes even so, when nothing has come after that', async () => {
    const limit = startLimit(0.05, undefined, fail);
    busy(300);
    await expect(limit.expired).rejects.toThrow('timeout');
  });
});
