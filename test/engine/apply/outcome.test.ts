import { describe, expect, it } from 'vitest';
import { resultOf } from '../../../lib/engine/apply/outcome.js';
import type { ProgressLine } from '../../../lib/engine/apply/progress.js';
import { planOf, ROOT_FILE } from './plans.js';

const plan = planOf(
  { files: { '/etc/a': ROOT_FILE }, origins: { 'files/etc/a': 'x', 'files//etc/a': 'ai-node/a' } },
  [],
);
const end = (outcome: string, generation: number | null = 3): ProgressLine => ({
  kind: 'end',
  outcome,
  generation,
});
const failure = (step: string, item = ''): ProgressLine => ({ kind: 'failure', step, item, output: 'words' });

describe('resultOf', () => {
  it.each([
    ['committed', [end('committed')], 'The host is at generation 3.'],
    [
      'rolled-back',
      [failure('checks'), end('rolled-back', null)],
      'The host undid everything and is as it was before the first apply; what ran before runs again.',
    ],
    [
      'rolled-back',
      [failure('confirm'), end('rolled-back')],
      'No new connection could be made after the change, so the host undid it by itself and is at generation 3; what ran before runs again.',
    ],
    ['refused', [failure('validate'), end('refused')], 'Nothing was changed; the host is at generation 3.'],
    [
      'refused',
      [failure('compare'), end('conflict')],
      'The host was changed after the plan was made. Nothing was written; the host is at generation 3. Plan again.',
    ],
    [
      'undo-failed',
      [end('undo-failed')],
      'The host could not undo everything; it tries again only what is left, at the next apply and at its next boot. Look at it now: "citadel-iac resolve ai-node".',
    ],
    [
      'undo-failed',
      [failure('recover'), end('undo-failed')],
      'Nothing new was done, because an earlier transaction is not undone yet. "citadel-iac resolve ai-node" shows what is left of it and how to end it.',
    ],
  ] as const)('%s: says what state the host is in', (outcome, lines, next) => {
    expect(resultOf(plan, 'id', lines)).toMatchObject({ outcome, next });
  });

  it('says what the log-in which was to confirm a change met', () => {
    const lines = [failure('confirm'), end('rolled-back')];
    expect(resultOf(plan, 'id', lines, { met: 'connection refused' }).next).toMatch(
      /^No new connection could be made after the change \(connection refused\), so the host undid it by itself/,
    );
  });

  it('says that the log-in which was to confirm a change was not answered', () => {
    const lines = [failure('confirm'), end('rolled-back')];
    expect(resultOf(plan, 'id', lines, { unanswered: 'a touch' }).next).toBe(
      'The new log-in that confirms a change waited for a touch, and none came in time, so the host undid the change by itself and is at generation 3; what ran before runs again. Apply again, and answer; timeouts.confirmSec gives more time.',
    );
    const other = [failure('checks'), end('rolled-back')];
    expect(resultOf(plan, 'id', other, { unanswered: 'a touch' }).next).toMatch(/^The host undid everything/);
  });

  it('names the item and who declared it', () => {
    expect(resultOf(plan, 'id', [failure('validate', '/etc/a'), end('refused')]).failure).toEqual({
      step: 'validate',
      item: 'files//etc/a',
      origin: 'ai-node/a',
      output: 'words',
    });
  });

  it('says who holds the lock, and since when', () => {
    const lines: ProgressLine[] = [
      { kind: 'locked', who: 'ada@desk', since: '2026-01-01T00:00:00Z' },
      end('locked'),
    ];
    expect(resultOf(plan, 'id', lines)).toMatchObject({
      outcome: 'locked',
      failure: { step: 'lock', output: 'ada@desk has held the lock since 2026-01-01T00:00:00Z' },
    });
  });

  it('says of a run that holds the lock when the host ends it by itself, and what to do', () => {
    const held = { kind: 'locked', who: 'ada@desk', since: '2026-01-01T00:00:00Z' } as const;
    const nextOf = (more: object): string => resultOf(plan, 'id', [{ ...held, ...more }, end('locked')]).next;
    const ends = '2026-01-01T00:31:00Z';
    expect(nextOf({})).toMatch(/^Nothing was changed\. "citadel-iac apply --wait" waits for its end/);
    expect(nextOf({ ends })).toContain(`undoes it by itself if it has not ended by ${ends}`);
    const asked = { since: '2026-01-01T00:00:10Z', until: '2026-01-01T00:01:10Z' };
    expect(nextOf({ ends, asked })).toMatch(
      /at 2026-01-01T00:00:10Z the host asked .* has not been answered: without an answer it undoes everything by itself at 2026-01-01T00:01:10Z\. "citadel-iac apply --wait"/,
    );
  });

  it('tells a transaction that never arrived from one that was refused', () => {
    expect(resultOf(plan, 'id', [{ kind: 'gone' }])).toMatchObject({
      outcome: 'refused',
      failure: { step: 'stage' },
    });
    expect(resultOf(plan, 'id', [{ kind: 'unstaged', output: 'No space left on device' }])).toMatchObject({
      outcome: 'refused',
      failure: { step: 'stage', output: 'No space left on device' },
    });
  });
});
