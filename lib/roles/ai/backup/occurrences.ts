import type { CronTimes } from '../../../render/index.js';

/** A job that is to have the disks for itself while it runs. */
export interface TimedJob {
  readonly name: string;
  readonly times: CronTimes;
  /** Whole minutes, rounded up. */
  readonly minutes: number;
}

/** `second` starts while `first` still runs. */
export interface Overlap {
  readonly first: string;
  readonly second: string;
  /** The first time in the calendar's cycle that it happens: `2024-02-29 06:00`. */
  readonly at: string;
}

const DAY_MS = 86_400_000;
const DAY_MINUTES = 1440;
/** After 28 years dates fall on the same days of the week again (until 2100, which is no leap year). */
const FIRST_DAY = Date.UTC(2024, 0, 1);
const DAYS = Math.round((Date.UTC(2052, 0, 1) - FIRST_DAY) / DAY_MS);

interface CalendarDay {
  readonly month: number;
  readonly date: number;
  readonly weekday: number;
}

/** Every day of the cycle, read once: schedules are compared day by day. */
const CALENDAR: readonly CalendarDay[] = Array.from({ length: DAYS }, (_, day) => {
  const date = new Date(FIRST_DAY + day * DAY_MS);
  return { month: date.getUTCMonth() + 1, date: date.getUTCDate(), weekday: date.getUTCDay() };
});

/**
 * A pure function that keeps its answers: nodes of a fleet have the same few schedules, and 28 years of days are read for
 * each.
 */
function remembered<A, T>(compute: (argument: A) => T): (argument: A) => T {
  const known = new Map<string, T>();
  return (argument) => {
    const key = JSON.stringify(argument);
    const before = known.get(key);
    if (before !== undefined) return before;
    const answer = compute(argument);
    known.set(key, answer);
    return answer;
  };
}

/**
 * Every pair of jobs of which one starts before the other has ended, once, on any day that the calendar can bring. Local
 * time is taken as it is read: that clocks are put forward and back once a year is not looked at.
 */
export const overlaps = remembered((jobs: readonly TimedJob[]): readonly Overlap[] => {
  const found = new Map<string, Overlap>();
  const last = new Map<TimedJob, number>();
  const pairs = (jobs.length * (jobs.length + 1)) / 2;
  const daily = new Map(jobs.map((job) => [job, minutesOfDay(job.times)]));
  for (const [day, date] of CALENDAR.entries()) {
    if (found.size === pairs) break;
    for (const [minute, job] of startsOn(date, daily)) {
      const now = day * DAY_MINUTES + minute;
      for (const [other, start] of last) {
        const key = [other.name, job.name].sort().join('\0');
        if (now >= start + other.minutes || found.has(key)) continue;
        found.set(key, { first: other.name, second: job.name, at: dateAndTime(day, minute) });
      }
      last.set(job, now);
    }
  }
  return [...found.values()];
});

/** The longest time in minutes between two starts of a schedule; `undefined` when it starts but once in 28 years. */
export const longestGap = remembered((times: CronTimes): number | undefined => {
  const daily = minutesOfDay(times);
  let previous: number | undefined;
  let longest: number | undefined;
  for (const [day, date] of CALENDAR.entries()) {
    if (!comesOn(times, date)) continue;
    for (const minute of daily) {
      const now = day * DAY_MINUTES + minute;
      if (previous !== undefined) longest = Math.max(longest ?? 0, now - previous);
      previous = now;
    }
  }
  return longest;
});

/** The starts of a day, in their order; of two at one time, the job that stands first in the list comes first. */
function startsOn(
  day: CalendarDay,
  daily: ReadonlyMap<TimedJob, readonly number[]>,
): [minute: number, job: TimedJob][] {
  const starts: [minute: number, job: TimedJob][] = [];
  for (const [job, minutes] of daily) {
    if (comesOn(job.times, day)) for (const minute of minutes) starts.push([minute, job]);
  }
  return starts.sort(([a], [b]) => a - b);
}

function minutesOfDay({ hours, minutes }: CronTimes): number[] {
  return hours.flatMap((hour) => minutes.map((minute) => hour * 60 + minute));
}

function comesOn(times: CronTimes, day: CalendarDay): boolean {
  if (!times.months.includes(day.month)) return false;
  const byDate = times.days.includes(day.date);
  const byWeekday = times.weekdays.includes(day.weekday);
  return times.bothDays ? byDate && byWeekday : byDate || byWeekday;
}

function dateAndTime(day: number, minute: number): string {
  return new Date(FIRST_DAY + day * DAY_MS + minute * 60_000).toISOString().slice(0, 16).replace('T', ' ');
}
