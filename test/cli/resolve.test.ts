import { describe, expect, it } from 'vitest';
import type { LeftPlace, OpenTransaction } from '../../lib/engine/model.js';
import { call } from './call.js';
import { observed } from './doubles.js';

/** What it does on a host: `test/engine/remote/undo-failed.test.ts` and `test/e2e/undo-failed.test.ts`. */
const open: OpenTransaction = {
  id: 'abc-1',
  running: false,
  who: 'anna@laptop',
  since: '2026-01-01T00:00:00Z',
  state: 'undo-failed',
  left: [{ kind: 'path', item: '/etc/a', reason: 'Operation not permitted' }],
};
const left: LeftPlace[] = [
  {
    kind: 'path',
    item: '/etc/a',
    reason: 'Operation not permitted',
    now: 'f 644 root root 12',
    whose: 'transaction',
    kept: '/var/lib/citadel-iac/staging/abc-1/undo/a.tree/etc/a',
  },
  { kind: 'mount', item: '/data', reason: 'target is busy.' },
  { kind: 'packages', item: '', reason: 'E: no room' },
];
const stuck = { observed: observed({ open }), left };

describe('resolve', () => {
  it('shows what is left and what can be done, and does nothing', async () => {
    const { code, printed, engineDouble } = await call('resolve alpha', { engine: stuck });
    expect(code).toBe(4);
    expect(printed.out)
      .toBe(`alpha: could not undo a transaction of anna@laptop from 2026-01-01T00:00:00Z (abc-1)
  ✗ /etc/a: Operation not permitted
      now:    file 0644 root:root, 12 bytes, as that transaction put it
      before: /var/lib/citadel-iac/staging/abc-1/undo/a.tree/etc/a
  ✗ mount /data: target is busy.
  ✗ packages: E: no room

  citadel-iac resolve alpha --retry   once the cause is gone: undoes what is left, and nothing else
  citadel-iac resolve alpha --accept  goes on with what is there now; the copies of before are kept on the host
`);
    expect(engineDouble.calls).toEqual(['open alpha', 'close alpha']);
  });

  it('asks, and takes no for an answer', async () => {
    for (const how of ['--retry', '--accept']) {
      const { code, printed, engineDouble } = await call(`resolve alpha ${how}`, {
        engine: stuck,
        answer: false,
      });
      expect([code, printed.err]).toEqual([1, 'Nothing was changed.\n']);
      expect(engineDouble.calls).toEqual(['open alpha', 'close alpha']);
    }
  });

  it('accepts the very transaction that was shown', async () => {
    const { code, questions, engineDouble } = await call('resolve alpha --accept', {
      engine: stuck,
      answer: true,
    });
    expect([code, questions]).toEqual([
      0,
      ['Leave alpha as it is now, and keep the copies of before next to it?'],
    ]);
    expect(engineDouble.calls).toContain('accept alpha abc-1');
  });

  it('leaves one alone that runs, and does not do both', async () => {
    const running = { observed: observed({ open: { ...open, running: true } }) };
    const refused = await call('resolve alpha --accept --yes', { engine: running });
    expect([refused.code, refused.printed.err]).toEqual([
      1,
      '[alpha] anna@laptop is applying since 2026-01-01T00:00:00Z (undo-failed); nothing was changed. Wait for its end, then look again: "citadel-iac resolve alpha".\n',
    ]);
    expect((await call('resolve alpha --accept --retry', { engine: stuck })).code).toBe(1);
  });
});
