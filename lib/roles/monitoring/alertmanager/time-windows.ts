import type { TimeWindow } from './routing.js';
import { localSpans } from './zones.js';

const DAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
const DAY = 24 * 60;
export const WEEK = 7 * DAY;

/** A time window as minutes of the week in its zone: Monday 00:00 is 0. */
export interface WeekWindow {
  readonly zone: string;
  /** From the first minute of each up to, and without, the second; sorted. */
  readonly spans: readonly (readonly [number, number])[];
}

/** @returns what is wrong with it, where Alertmanager would not take it or no one could say when it is */
export function readWindow({ weekdays, times, timeZone = 'UTC' }: TimeWindow): WeekWindow | string {
  if (weekdays?.length === 0 || times?.length === 0) return 'has an empty list, and so is never';
  if (!isZone(timeZone)) return `is in the time zone "${timeZone}", which is not known`;
  const days = weekdays === undefined ? DAYS.map((_day, index) => index) : weekdays.map(daysOf);
  const unread = days.findIndex((found) => found === undefined);
  if (unread >= 0)
    return `has the weekdays "${weekdays?.[unread] ?? ''}", which are no day or days from sunday to saturday, such as monday or monday:friday`;
  const clock: [number, number][] = [];
  for (const { from, to } of times ?? [{ from: '00:00', to: '24:00' }]) {
    const [start, end] = [minuteOf(from), minuteOf(to)];
    if (start === undefined || end === undefined)
      return `has the times ${from} to ${to}, which are not times such as 08:00`;
    if (start >= end)
      return `goes from ${from} to ${to}, and a day ends at 24:00: give two times, ${from} to 24:00 and 00:00 to ${to}`;
    clock.push([start, end]);
  }
  const spans = [...new Set(days.flatMap((found) => found ?? []))].flatMap((day) =>
    clock.map(([start, end]): [number, number] => [day * DAY + start, day * DAY + end]),
  );
  return { zone: timeZone, spans: spans.sort(([a], [b]) => a - b) };
}

/** `monday:wednesday` → 0, 1, 2. Weeks of Alertmanager begin on Sunday, so `saturday:monday` is nothing. */
function daysOf(text: string): number[] | undefined {
  const [first = '', last = first, ...more] = text.toLowerCase().split(':');
  if (more.length > 0 || !DAYS.includes(first) || !DAYS.includes(last)) return undefined;
  const [from, to] = [(DAYS.indexOf(first) + 1) % 7, (DAYS.indexOf(last) + 1) % 7];
  return from > to
    ? undefined
    : Array.from({ length: to - from + 1 }, (_day, index) => (from + index + 6) % 7);
}

function minuteOf(text: string): number | undefined {
  const [, hours, minutes] = /^(\d\d):([0-5]\d)$/.exec(text) ?? [];
  if (hours === undefined || minutes === undefined) return undefined;
  const minute = Number(hours) * 60 + Number(minutes);
  return minute <= DAY ? minute : undefined;
}

function isZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return !/^[+-]/.test(name);
  } catch {
    return false;
  }
}

/** A minute of the week, as each zone's clocks show it. */
export type Moment = ReadonlyMap<string, number>;

export function contains({ zone, spans }: WeekWindow, moment: Moment): boolean {
  const minute = moment.get(zone) ?? 0;
  return spans.some(([from, to]) => from <= minute && minute < to);
}

/**
 * Moments that stand for every minute of every week: at each of them some window begins or ends, and nothing changes
 * until the next. Where windows are in several zones, for every difference between their clocks that summer time makes.
 */
export function momentsOf(windows: readonly WeekWindow[]): Moment[] {
  const zones = [...new Set(windows.map(({ zone }) => zone))].sort();
  const [only = 'UTC'] = zones;
  if (zones.length <= 1) return edges(windows, () => 0).map((minute) => new Map([[only, minute]]));
  const moments = new Map<string, Moment>();
  for (const { offsets, from, to } of localSpans(zones)) {
    const offsetOf = (zone: string): number => offsets[zones.indexOf(zone)] ?? 0;
    const starts = edges(windows, offsetOf);
    // A difference that lasts some hours only is that of those hours.
    const within =
      to - from >= WEEK ? starts : [mod(from), ...starts.filter((at) => mod(at - from) < to - from)];
    for (const minute of within) {
      const moment = new Map(zones.map((zone) => [zone, mod(minute + offsetOf(zone))]));
      moments.set([...moment.values()].join(), moment);
    }
  }
  return [...moments.values()].sort((a, b) => (a.get(only) ?? 0) - (b.get(only) ?? 0));
}

/** Minutes at which some window begins or ends, in the time that zones are ahead of; sorted. */
function edges(windows: readonly WeekWindow[], offsetOf: (zone: string) => number): number[] {
  const all = windows.flatMap(({ zone, spans }) =>
    spans.flatMap(([from, to]) => [mod(from - offsetOf(zone)), mod(to - offsetOf(zone))]),
  );
  return [...new Set([0, ...all])].sort((a, b) => a - b);
}

function mod(minute: number): number {
  return ((minute % WEEK) + WEEK) % WEEK;
}

/** `Monday 01:25 Europe/Berlin` */
export function momentText(moment: Moment, zone: string): string {
  const minute = moment.get(zone) ?? 0;
  const day = DAYS[Math.floor(minute / DAY)] ?? '';
  const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
  return `${day.slice(0, 1).toUpperCase()}${day.slice(1)} ${two((minute % DAY) / 60)}:${two(minute % 60)} ${zone}`;
}
