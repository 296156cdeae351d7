import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Duration, secret, secretsIn, Size } from '../../lib/constructs/index.js';

describe('Duration', () => {
  it.each([
    [Duration.seconds(90), 90_000, '1m30s'],
    [Duration.days(1.5), 129_600_000, '1d12h'],
    [Duration.hours(2), 7_200_000, '2h'],
    [Duration.minutes(1), 60_000, '1m'],
    [Duration.milliseconds(250), 250, '250ms'],
    [Duration.seconds(0), 0, '0s'],
  ])('%s', (duration, milliseconds, text) => {
    expect(duration.toMilliseconds()).toBe(milliseconds);
    expect(duration.toSeconds()).toBe(milliseconds / 1000);
    expect(duration.toString()).toBe(text);
  });
  it.each([
    [() => Duration.seconds(-1), '-1 seconds'],
    [() => Duration.milliseconds(0.5), '0.5 milliseconds'],
    [() => Duration.days(Infinity), 'Infinity days'],
  ])('refuses %s', (make, given) => {
    expect(make).toThrow(
      `[Duration] ${given} (whole milliseconds) is negative, not whole or too large. Give a number that is zero or more and comes to a whole number of the smallest unit.`,
    );
  });
  it('loses nothing in its text', () => {
    const units: Record<string, number> = { d: 86_400_000, h: 3_600_000, m: 60_000, s: 1000, ms: 1 };
    fc.assert(
      fc.property(fc.nat(2 ** 31), (milliseconds) => {
        const text = Duration.milliseconds(milliseconds).toString();
        const sum = [...text.matchAll(/(\d+)(ms|[dhms])/g)].reduce(
          (total, [, count, unit]) => total + Number(count) * units[unit!]!,
          0,
        );
        expect(sum).toBe(milliseconds);
      }),
    );
  });
});

describe('Size', () => {
  it.each([
    [Size.gibibytes(2), 2 ** 31, '2G'],
    [Size.gibibytes(1.5), 1_610_612_736, '1536M'],
    [Size.mebibytes(1024 * 1024), 2 ** 40, '1T'],
    [Size.kibibytes(3), 3072, '3K'],
    [Size.bytes(1000), 1000, '1000'],
    [Size.tebibytes(1), 2 ** 40, '1T'],
    [Size.bytes(0), 0, '0'],
  ])('%s', (size, bytes, text) => {
    expect(size.toBytes()).toBe(bytes);
    expect(size.toString()).toBe(text);
  });
  it('refuses parts of bytes', () => {
    expect(() => Size.bytes(0.5)).toThrow(
      '[Size] 0.5 bytes (whole bytes) is negative, not whole or too large.',
    );
  });
});

describe('secret', () => {
  it('prints as its reference', () => {
    expect(`password=${secret('db_password').toString()}`).toBe('password=@@secret:db_password@@');
    expect(secretsIn('@@secret:b@@ @@secret:a@@ @@secret:b@@ @@secret:@@ @@secret:A@@')).toEqual(['a', 'b']);
  });
  it('refuses other names', () => {
    expect(() => secret('DB-1')).toThrow(
      '[secret] "DB-1" is not a secret name. Use a-z, 0-9 and "_", starting with a letter, at most 63 characters.',
    );
  });
});
