import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createLifetime } from '../../../../lib/terraform/provider/plugin/lifetime.js';

describe('createLifetime', () => {
  let exits = 0;
  const make = (idleMs = 1000) => createLifetime({ exit: () => (exits += 1), idleMs, graceMs: 5000 });
  beforeEach(() => {
    exits = 0;
    vi.useFakeTimers();
  });
  afterEach(() => vi.useRealTimers());

  it('ends at once when told to, with nothing at work', () => {
    make().shutdown();
    expect(exits).toBe(1);
  });

  it('ends when no one connects, or the last connection is gone', async () => {
    const lifetime = make();
    await vi.advanceTimersByTimeAsync(900);
    lifetime.connected();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(exits).toBe(0);
    lifetime.disconnected();
    await vi.advanceTimersByTimeAsync(1000);
    expect(exits).toBe(1);
  });

  it('never ends a debug server by itself', async () => {
    make(0);
    await vi.advanceTimersByTimeAsync(1_000_000);
    expect(exits).toBe(0);
  });

  it('lets work end first, and does not wait for ever', async () => {
    const lifetime = make();
    let finish = (): void => undefined;
    const work = lifetime.during(() => new Promise<void>((resolve) => (finish = resolve)));
    lifetime.shutdown();
    await vi.advanceTimersByTimeAsync(1000);
    expect(exits).toBe(0);
    finish();
    await work;
    await vi.advanceTimersByTimeAsync(100);
    expect(exits).toBe(1);

    const stuck = make();
    void stuck.during(() => new Promise<void>(() => undefined));
    stuck.shutdown();
    await vi.advanceTimersByTimeAsync(5000);
    expect(exits).toBe(2);
  });

  it('goes on after work that failed', async () => {
    const lifetime = make();
    await expect(lifetime.during(() => Promise.reject(new RangeError('x')))).rejects.toThrow('x');
    expect(exits).toBe(0);
  });
});
