import { CitadelError } from '../manifest/index.js';

/**
 * A length of time, in whole milliseconds. Numbers without a unit never stand for a time in the API.
 *
 *     Duration.minutes(5).toSeconds()      // 300
 *     Duration.seconds(90).toString()      // '1m30s' (what systemd and Prometheus both read)
 */
export class Duration {
  static milliseconds(amount: number): Duration {
    return new Duration(amount, amount, 'milliseconds');
  }
  static seconds(amount: number): Duration {
    return new Duration(amount * 1000, amount, 'seconds');
  }
  static minutes(amount: number): Duration {
    return new Duration(amount * 60_000, amount, 'minutes');
  }
  static hours(amount: number): Duration {
    return new Duration(amount * 3_600_000, amount, 'hours');
  }
  static days(amount: number): Duration {
    return new Duration(amount * 86_400_000, amount, 'days');
  }

  private constructor(
    private readonly ms: number,
    given: number,
    unit: string,
  ) {
    requireWhole('Duration', ms, given, `${unit} (whole milliseconds)`);
  }

  toMilliseconds(): number {
    return this.ms;
  }
  /** Seconds, with a fraction where there is one. */
  toSeconds(): number {
    return this.ms / 1000;
  }
  /** Largest units first, without zero parts: `1d2h`, `1m30s`, `250ms`, `0s`. Read by systemd.time(7) and Prometheus alike. */
  toString(): string {
    return amounts(this.ms, DURATION_UNITS) || '0s';
  }
}

/**
 * An amount of memory or disk, in bytes.
 *
 *     Size.gibibytes(2).toBytes()       // 2147483648
 *     Size.mebibytes(512).toString()    // '512M' (systemd.syntax(7): powers of 1024)
 */
export class Size {
  static bytes(amount: number): Size {
    return new Size(amount, amount, 'bytes');
  }
  static kibibytes(amount: number): Size {
    return new Size(amount * 1024, amount, 'kibibytes');
  }
  static mebibytes(amount: number): Size {
    return new Size(amount * 1024 ** 2, amount, 'mebibytes');
  }
  static gibibytes(amount: number): Size {
    return new Size(amount * 1024 ** 3, amount, 'gibibytes');
  }
  static tebibytes(amount: number): Size {
    return new Size(amount * 1024 ** 4, amount, 'tebibytes');
  }

  private constructor(
    private readonly count: number,
    given: number,
    unit: string,
  ) {
    requireWhole('Size', count, given, `${unit} (whole bytes)`);
  }

  toBytes(): number {
    return this.count;
  }
  /** The largest unit of K, M, G and T (powers of 1024) that needs no fraction: `1536M`, `2G`, `100`. */
  toString(): string {
    const [unit, suffix] = SIZE_UNITS.find(([bytes]) => this.count > 0 && this.count % bytes === 0) ?? [
      1,
      '',
    ];
    return `${this.count / unit}${suffix}`;
  }
}

const DURATION_UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
  [1, 'ms'],
] as const;

const SIZE_UNITS = [
  [1024 ** 4, 'T'],
  [1024 ** 3, 'G'],
  [1024 ** 2, 'M'],
  [1024, 'K'],
] as const;

function amounts(total: number, units: readonly (readonly [number, string])[]): string {
  let rest = total;
  return units
    .map(([size, suffix]) => {
      const count = Math.floor(rest / size);
      rest -= count * size;
      return count === 0 ? '' : `${count}${suffix}`;
    })
    .join('');
}

function requireWhole(type: string, value: number, given: number, unit: string): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new CitadelError({
    code: 'construct.unit.range',
    path: type,
    got: `${given} ${unit} is negative, not whole or too large`,
    fix: 'Give a number that is zero or more and comes to a whole number of the smallest unit',
  });
}
