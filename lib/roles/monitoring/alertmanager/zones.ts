/** A stretch of time in which the clocks of some zones keep their distance. */
export interface LocalSpan {
  /** Minutes that each zone is ahead of UTC, in the order in which the zones were given. */
  readonly offsets: readonly number[];
  /** Minutes since 1970-01-05 00:00 UTC, which was a Monday; without the last. */
  readonly from: number;
  readonly to: number;
}

const DAY = 24 * 60;
const MONDAY = Date.UTC(1970, 0, 5);
/** Whatever summer time does, it has done in these years. Fixed: what is refused must not depend on today. */
const FIRST = (Date.UTC(2025, 0, 1) - MONDAY) / 60_000;
const LAST = (Date.UTC(2028, 0, 1) - MONDAY) / 60_000;

/** Every difference between the clocks of these zones that there is in some years, with when it is. */
export function localSpans(zones: readonly string[]): LocalSpan[] {
  const clocks = zones.map(clockOf);
  const offsetsAt = (minute: number): number[] => clocks.map((clock) => clock(minute));
  const spans: LocalSpan[] = [];
  let from = FIRST;
  let offsets = offsetsAt(FIRST);
  for (let day = FIRST; day < LAST; day += DAY) {
    const next = offsetsAt(day + DAY);
    // Two zones may change on one day, one after the other.
    for (let at = day; offsets.join() !== next.join() && at < day + DAY;) {
      const change = firstChange(at, day + DAY, offsets, offsetsAt);
      spans.push({ offsets, from, to: change });
      [at, from, offsets] = [change, change, offsetsAt(change)];
    }
  }
  spans.push({ offsets, from, to: LAST });
  return spans;
}

function firstChange(
  low: number,
  high: number,
  before: readonly number[],
  offsetsAt: (minute: number) => number[],
): number {
  let [same, other] = [low, high];
  while (other - same > 1) {
    const middle = Math.floor((same + other) / 2);
    if (offsetsAt(middle).join() === before.join()) same = middle;
    else other = middle;
  }
  return other;
}

/** Minutes that a zone's clocks are ahead of UTC at a minute. */
function clockOf(timeZone: string): (minute: number) => number {
  if (timeZone === 'UTC') return () => 0;
  const format = new Intl.DateTimeFormat('en', {
    timeZone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
  });
  return (minute) => {
    const time = MONDAY + minute * 60_000;
    const part = Object.fromEntries(
      format.formatToParts(time).map(({ type, value }) => [type, Number(value)]),
    );
    const { year = 0, month = 1, day = 1, hour = 0, minute: clock = 0 } = part;
    return Math.round((Date.UTC(year, month - 1, day, hour, clock) - time) / 60_000);
  };
}
