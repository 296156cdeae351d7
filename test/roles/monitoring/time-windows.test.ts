import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseMatcher } from '../../../lib/roles/monitoring/alertmanager/matcher.js';
import {
  contains,
  momentsOf,
  readWindow,
  WEEK,
  type WeekWindow,
} from '../../../lib/roles/monitoring/alertmanager/time-windows.js';

describe('moments', () => {
  const clock = fc
    .tuple(fc.integer({ min: 0, max: 1439 }), fc.integer({ min: 1, max: 1440 }))
    .filter(([from, to]) => from < to)
    .map(([from, to]) => ({ from: text(from), to: text(to) }));
  const day = fc.constantFrom('monday', 'tuesday:thursday', 'sunday', 'sunday:monday', 'friday:saturday');
  const windowIn = (...zones: string[]) =>
    fc
      .record({
        weekdays: fc.option(fc.array(day, { minLength: 1, maxLength: 2 }), { nil: undefined }),
        times: fc.option(fc.array(clock, { minLength: 1, maxLength: 2 }), { nil: undefined }),
        timeZone: fc.constantFrom(...zones),
      })
      .map((window) => readWindow(window) as WeekWindow);

  it('stand for every minute of the week', () => {
    fc.assert(
      fc.property(fc.array(windowIn('Europe/Berlin'), { minLength: 1, maxLength: 3 }), (windows) => {
        const pattern = (minute: number): string =>
          windows.map((window) => contains(window, new Map([['Europe/Berlin', minute]]))).join();
        const found = new Set(
          momentsOf(windows).map((moment) => windows.map((window) => contains(window, moment)).join()),
        );
        const all = new Set(Array.from({ length: WEEK }, (_each, minute) => pattern(minute)));
        expect([...found].sort()).toEqual([...all].sort());
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('stand for every quarter of an hour of a year in several zones', () => {
    const zones = ['Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'UTC'];
    fc.assert(
      fc.property(fc.array(windowIn(...zones), { minLength: 3, maxLength: 5 }), (windows) => {
        const found = new Set(
          momentsOf(windows).map((moment) => windows.map((window) => contains(window, moment)).join()),
        );
        const clocks = new Map(zones.map((zone) => [zone, clockIn(zone)]));
        for (let time = Date.UTC(2027, 2, 7); time < Date.UTC(2027, 3, 5); time += 15 * 60_000) {
          const pattern = windows
            .map((window) => contains(window, new Map([[window.zone, clocks.get(window.zone)?.(time) ?? 0]])))
            .join();
          expect(found.has(pattern), `${new Date(time).toISOString()}: ${pattern}`).toBe(true);
        }
      }),
      { seed: 2, numRuns: 10 },
    );
  }, 120_000);
});

const text = (minute: number): string =>
  `${String(Math.floor(minute / 60)).padStart(2, '0')}:${String(minute % 60).padStart(2, '0')}`;

/** The minute of the week that a zone's clocks show, read from the words of the clock. */
function clockIn(timeZone: string): (time: number) => number {
  const format = new Intl.DateTimeFormat('en-GB', {
    timeZone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  });
  return (time) => {
    const [, day = '', hour = '', minute = ''] = /^(\w+),? (\d+):(\d+)/.exec(format.format(time)) ?? [];
    const index = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'].indexOf(day);
    return index * 1440 + (Number(hour) % 24) * 60 + Number(minute);
  };
}

describe('matchers', () => {
  it.each([
    ['a=~"x.*"', 'xy', true],
    ['a=~"ai-\\\\d+"', 'ai-12', true],
    ['a=~x', 'xy', false],
    ['a="q\\"q"', 'q"q', true],
  ])('%s of %s', (matcher, value, fits) => {
    const test = parseMatcher(matcher)?.test;
    const held =
      test?.kind === 'any' ? test.values.includes(value) : test?.kind === 'pattern' && test.matches?.(value);
    expect(held).toBe(fits);
  });

  it.each(['(?i)a', '(?P<n>a)', '\\bx', '[[:alpha:]]+', '\\pL', 'a(?=b)', '\\Qa\\E', 'a**'])(
    'leaves %s to Alertmanager',
    (source) => {
      expect(parseMatcher(`a=~"${source}"`)?.test).toEqual({ kind: 'pattern', source });
    },
  );
});
