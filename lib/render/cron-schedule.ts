import { RenderError, shown } from './error.js';

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Three-letter names and what they stand for; crontab(5) reads them in any case. */
  readonly names: readonly string[];
}

const FIELDS: readonly Field[] = [
  { name: 'minute', min: 0, max: 59, names: [] },
  { name: 'hour', min: 0, max: 23, names: [] },
  { name: 'day of month', min: 1, max: 31, names: [] },
  {
    name: 'month',
    min: 1,
    max: 12,
    names: ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'],
  },
  { name: 'day of week', min: 0, max: 7, names: ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] },
];

/** `undefined`: at no time. */
const NICKNAMES: Readonly<Record<string, string | undefined>> = {
  '@reboot': undefined,
  '@yearly': '0 0 1 1 *',
  '@annually': '0 0 1 1 *',
  '@monthly': '0 0 1 * *',
  '@weekly': '0 0 * * 0',
  '@daily': '0 0 * * *',
  '@midnight': '0 0 * * *',
  '@hourly': '0 * * * *',
};

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A time of crontab(5) in one spelling: five fields with one space between them, or a nickname such as `@daily`.
 *
 * @throws RenderError naming the field, also for a schedule that never comes (`0 0 30 2 *`)
 */
export function cronSchedule(text: string): string {
  const trimmed = text.trim();
  if (Object.hasOwn(NICKNAMES, trimmed)) return trimmed;
  return checked(trimmed, text).text;
}

/** When a schedule comes: the values of its fields, in the host's time zone. */
export interface CronTimes {
  /** 0 to 59, sorted, each once; so are the others. */
  readonly minutes: readonly number[];
  /** 0 to 23. */
  readonly hours: readonly number[];
  /** 1 to 31. */
  readonly days: readonly number[];
  /** 1 to 12. */
  readonly months: readonly number[];
  /** 0 (Sunday) to 6. */
  readonly weekdays: readonly number[];
  /** Whether a day must fit both `days` and `weekdays`, or one of them: cron asks for both only if a field begins with `*`. */
  readonly bothDays: boolean;
}

/**
 * The times that a schedule stands for; `undefined` for `@reboot`, which is no time.
 *
 * @throws RenderError as {@link cronSchedule}
 */
export function cronTimes(text: string): CronTimes | undefined {
  const trimmed = text.trim();
  const fields = Object.hasOwn(NICKNAMES, trimmed) ? NICKNAMES[trimmed] : trimmed;
  if (fields === undefined) return undefined;
  return checked(fields, text).times;
}

function checked(trimmed: string, text: string): { readonly text: string; readonly times: CronTimes } {
  if (trimmed.startsWith('@')) {
    throw new RenderError(
      'render.cron.nickname',
      'schedule',
      `${shown(text)} is not a time that cron knows`,
      `Use five fields, or one of ${Object.keys(NICKNAMES).join(', ')}`,
    );
  }
  const fields = trimmed.split(/[ \t]+/);
  if (fields.length !== FIELDS.length) {
    throw new RenderError(
      'render.cron.fields',
      'schedule',
      `${shown(text)} has ${fields.length} fields`,
      'Give five: minute, hour, day of month, month, day of week',
    );
  }
  const sets = FIELDS.map((field, index) => valuesOf(field, fields[index] ?? '', text));
  const [minutes = [], hours = [], days = [], months = [], weekdays = []] = sets;
  const restrictsWeekday = !(fields[4] ?? '').startsWith('*');
  // With a day of the week as well, cron runs on either; without one, the day of the month must exist in some month.
  const comes = restrictsWeekday || months.some((month) => days.some((day) => day <= (DAYS[month - 1] ?? 0)));
  if (!comes) {
    throw new RenderError(
      'render.cron.never',
      'schedule',
      `${shown(text)} never comes`,
      'Choose a day that one of the months has',
    );
  }
  const times = {
    minutes: ordered(minutes),
    hours: ordered(hours),
    days: ordered(days),
    months: ordered(months),
    weekdays: ordered(weekdays.map((day) => day % 7)),
    bothDays: !restrictsWeekday || (fields[2] ?? '').startsWith('*'),
  };
  return { text: fields.join(' '), times };
}

function ordered(values: readonly number[]): number[] {
  return [...new Set(values)].sort((a, b) => a - b);
}

/** Every value that a field stands for. */
function valuesOf(field: Field, text: string, schedule: string): number[] {
  return text.split(',').flatMap((part) => {
    const match = /^(?:(\*)|([0-9A-Za-z]+)(?:-([0-9A-Za-z]+))?)(?:\/([0-9]+))?$/.exec(part);
    const [, star, from = '', to, step] = match ?? [];
    const first = star === undefined ? numberOf(field, from) : field.min;
    const last = star !== undefined ? field.max : to === undefined ? first : numberOf(field, to);
    const steps = step === undefined ? 1 : Number(step);
    const stepsAlone = step !== undefined && star === undefined && to === undefined;
    if (
      match === null ||
      first === undefined ||
      last === undefined ||
      first > last ||
      steps < 1 ||
      stepsAlone
    ) {
      throw new RenderError(
        'render.cron.field',
        'schedule',
        `${shown(schedule)} has ${shown(text)} for the ${field.name}`,
        `Use ${field.min} to ${field.max}, *, ranges (1-5), lists (1,15) and steps (*/10)`,
      );
    }
    return Array.from(
      { length: Math.floor((last - first) / steps) + 1 },
      (_, index) => first + index * steps,
    );
  });
}

function numberOf(field: Field, text: string): number | undefined {
  const named = text === '' ? -1 : field.names.indexOf(text.toLowerCase());
  const value = /^[0-9]{1,2}$/.test(text) ? Number(text) : named;
  return value >= field.min && value <= field.max ? value : undefined;
}
