import { expect, it } from 'vitest';
import { PlacedTransport } from '../../lib/cli/placed-transport.js';
import type { Transport } from '../../lib/engine/index.js';

it('a transport whose errors have a place hands everything else on', async () => {
  const asked: unknown[] = [];
  const failing = (): Promise<never> => Promise.reject(new Error('no'));
  const inner: Transport = {
    kind: 'ssh',
    description: 'web',
    hostKeys: [{ type: 'ssh-ed25519', fingerprint: 'SHA256:x' }],
    reached: { address: '10.0.0.5', port: 2222 },
    read: failing,
    run: failing,
    reconnect: (signal) => {
      asked.push(signal);
      return signal?.aborted === true ? failing() : Promise.resolve(inner);
    },
    close: () => Promise.resolve(),
  };
  const placed = new PlacedTransport(inner, (error) => new Error(`inv.yaml:1: ${(error as Error).message}`));
  expect([placed.kind, placed.description, placed.hostKeys, placed.reached]).toEqual([
    inner.kind,
    inner.description,
    inner.hostKeys,
    inner.reached,
  ]);
  const { signal } = new AbortController();
  const again = await placed.reconnect(signal);
  const aborted = AbortSignal.abort();
  await expect(again.reconnect(aborted)).rejects.toThrow('inv.yaml:1: no');
  expect(asked).toEqual([signal, aborted]);
});
