import { describe, expect, it } from 'vitest';
import { cronProblem } from '../../lib/inventory/index.js';

describe('cronProblem', () => {
  it.each(['0 0 * * *', '*/15 * * * *', '0,30 8-18/2 1-31 1,6,12 0-7', '5 4 * * 7'])('takes %s', (text) => {
    expect(cronProblem(text)).toBeUndefined();
  });

  it.each([
    ['0 0 * *', 'is not a schedule of five fields: minute, hour, day of month, month, day of week'],
    ['0  0 * * *', 'is not a schedule of five fields: minute, hour, day of month, month, day of week'],
    ['60 0 * * *', 'has "60" for the minute (allowed: 0 to 59, *, ranges, lists, steps)'],
    ['0 5-3 * * *', 'has "5-3" for the hour (allowed: 0 to 23, *, ranges, lists, steps)'],
    ['0 0 0 * *', 'has "0" for the day of month (allowed: 1 to 31, *, ranges, lists, steps)'],
    ['0 0 * JAN *', 'has "JAN" for the month (allowed: 1 to 12, *, ranges, lists, steps)'],
    ['*/0 0 * * *', 'has "*/0" for the minute (allowed: 0 to 59, *, ranges, lists, steps)'],
    ['0 0 * * *\n', 'has "*\n" for the day of week (allowed: 0 to 7, *, ranges, lists, steps)'],
  ])('refuses %j', (text, problem) => {
    expect(cronProblem(text)).toBe(problem);
  });
});
