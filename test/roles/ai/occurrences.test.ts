import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { longestGap, overlaps } from '../../../lib/roles/ai/backup/occurrences.js';
import { cronTimes, type CronTimes } from '../../../lib/render/index.js';

function times(schedule: string): CronTimes {
  const found = cronTimes(schedule);
  if (found === undefined) throw new Error(`${schedule} has no times`);
  return found;
}

describe('the times of a schedule', () => {
  it('come on a date or on a weekday, when neither field begins with a star', () => {
    // The 13th or a Friday: never more than a week apart; the 13th that is a Friday is what no one can write.
    expect(longestGap(times('0 0 13 * 5'))).toBe(7 * 1440);
    // A star that begins the field asks for both: Fridays with an odd date are at most three weeks apart.
    expect(longestGap(times('0 0 */2 * 5'))).toBe(21 * 1440);
  });

  it('know leap years', () => {
    expect(longestGap(times('0 0 29 2 *'))).toBe((4 * 365 + 1) * 1440);
    expect(longestGap(times('0 0 1 1 *'))).toBe(366 * 1440);
  });

  it('know the nicknames', () => {
    expect(longestGap(times('@hourly'))).toBe(60);
    expect(cronTimes('@reboot')).toBeUndefined();
  });

  it('count Sunday twice, as 0 and as 7, and once', () => {
    expect(times('0 0 * * 0,7').weekdays).toEqual([0]);
    expect(times('0 0 * * 5-7').weekdays).toEqual([0, 5, 6]);
  });
});

describe('two daily jobs', () => {
  const minute = fc.integer({ min: 0, max: 1439 });
  const daily = (name: string, start: number, minutes: number) => ({
    name,
    minutes,
    times: times(`${start % 60} ${Math.floor(start / 60)} * * *`),
  });

  it('meet exactly when one starts before the other has ended, also past midnight', () => {
    fc.assert(
      fc.property(minute, minute, fc.integer({ min: 1, max: 1439 }), (a, b, minutes) => {
        const after = (b - a + 1440) % 1440;
        const before = (a - b + 1440) % 1440;
        const meets = after < minutes || before < minutes;
        expect(overlaps([daily('a', a, minutes), daily('b', b, minutes)]).length > 0).toBe(meets);
      }),
      { numRuns: 25 },
    );
  });
});
