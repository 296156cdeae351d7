import { afterAll, beforeAll, describe, expect, it } from 'vitest';

/** Every way in which a test goes wrong, for the test of the report. */
const MANY = 'a line\n'.repeat(5000);
let tries = 0;
const counted = (by: number): number[] => Array.from({ length: 5000 }, (_, n) => n * by);

it('passes', () => expect(1).toBe(1));
it.skip('is skipped', () => undefined);
it('passes at its second try', { retry: 1 }, () => expect((tries += 1)).toBe(2));
it('says too much', () => expect(MANY).not.toMatch(/a line/));
it('differs too much', () => expect(counted(1)).toEqual(counted(2)));
it('throws too much', () => {
  throw new Error(`at first\n${MANY}`, { cause: new Error(MANY) });
});

describe('a suite that cannot begin', () => {
  beforeAll(() => {
    throw new Error('no lab here');
  });
  it('never runs', () => undefined);
});

describe('a suite that cannot end', () => {
  afterAll(() => {
    throw new Error('no one answers');
  });
  it('runs', () => undefined);
});
