import { z } from 'zod';

/** Names and bounds of the five time fields of crontab(5), in order. */
const FIELDS = [
  { name: 'minute', min: 0, max: 59 },
  { name: 'hour', min: 0, max: 23 },
  { name: 'day of month', min: 1, max: 31 },
  { name: 'month', min: 1, max: 12 },
  { name: 'day of week', min: 0, max: 7 },
] as const;

/**
 * Why `text` is not a time of crontab(5), or `undefined` when it is one: five fields of numbers, ranges, lists
 * and steps. Month and weekday names and `@daily` are left out, so that one time has one spelling.
 */
export function cronProblem(text: string): string | undefined {
  const fields = text.split(' ');
  if (fields.length !== FIELDS.length) {
    return 'is not a schedule of five fields: minute, hour, day of month, month, day of week';
  }
  for (const [index, bounds] of FIELDS.entries()) {
    const field = fields[index] ?? '';
    if (!field.split(',').every((part) => partFits(part, bounds.min, bounds.max))) {
      return `has "${field}" for the ${bounds.name} (allowed: ${bounds.min} to ${bounds.max}, *, ranges, lists, steps)`;
    }
  }
  return undefined;
}

function partFits(part: string, min: number, max: number): boolean {
  const match = /^(?:\*|(\d{1,2})(?:-(\d{1,2}))?)(?:\/(\d{1,2}))?$/.exec(part);
  if (match === null) return false;
  const [, from, to, step] = match;
  if (step !== undefined && (Number(step) < 1 || (from !== undefined && to === undefined))) return false;
  const first = from === undefined ? min : Number(from);
  const last = to === undefined ? first : Number(to);
  return first >= min && last <= max && first <= last;
}

export const cronSchedule = z.string().superRefine((text, context) => {
  const message = cronProblem(text);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
