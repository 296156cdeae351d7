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

const NICKNAMES = [
  '@reboot',
  '@yearly',
  '@annually',
  '@monthly',
  '@weekly',
  '@daily',
  '@midnight',
  '@hourly',
];

const DAYS = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * A time of crontab(5) in one spelling: five fields with one space between them, or a nickname such as `@daily`.
 *
 * @throws RenderError naming the field, also for a schedule that never comes (`0 0 30 2 *`)
 */
export function cronSchedule(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('@')) {
    if (NICKNAMES.includes(trimmed)) return trimmed;
    throw new RenderError(
      'render.cron.nickname',
      'schedule',
      `${shown(text)} is not a time that cron knows`,
      `Use five fields, or one of ${NICKNAMES.join(', ')}`,
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
  const [, , days = [], months = []] = sets;
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
  return fields.join(' ');
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
