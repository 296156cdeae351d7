import { cronSchedule } from './cron-schedule.js';
import { RenderError, requirePlain, shown } from './error.js';

export interface CronJob {
  /** Five fields of crontab(5), or `@daily` and its like, in the host's time zone. */
  readonly schedule: string;
  /** Account that runs the command. */
  readonly user: string;
  /** A line for `/bin/sh`; `%` and `\` arrive as they are. */
  readonly command: string;
  /** Lines above the job, each printed after `# `. @default none */
  readonly comment?: readonly string[];
}

export interface CronFileContent {
  readonly jobs: readonly CronJob[];
  /** Environment of the jobs; `SHELL` and `PATH` have defaults, and `MAILTO` says who gets their output. @default {} */
  readonly environment?: Readonly<Record<string, string>>;
}

/** cron gives jobs a PATH without the sbin directories. */
const DEFAULTS = {
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  SHELL: '/bin/sh',
};

/** Debian's cron ignores a whole file for one longer command or environment line (tried: 998 is read, 999 is not). */
const LONGEST = 998;

/**
 * A file for /etc/cron.d: environment first, then one line per job.
 *
 * @throws RenderError for what cron would read otherwise or not at all; it would drop the whole file
 */
export function renderCronFile(file: CronFileContent): string {
  const environment: Record<string, string> = { ...DEFAULTS, ...file.environment };
  const lines = Object.keys(environment)
    .sort()
    .map((name) => environmentLine(name, environment[name] ?? ''));
  const jobs = file.jobs.map((job, index) => jobLines(job, index));
  return [lines.join('\n'), ...jobs].map((part) => `${part}\n`).join('\n');
}

function environmentLine(name: string, value: string): string {
  const property = `environment.${name}`;
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
    throw new RenderError(
      'render.cron.variable',
      property,
      `${shown(name)} is not a variable name`,
      'Use letters, digits and "_"',
    );
  }
  requirePlain('render.cron', property, value);
  // cron strips blanks at the ends even inside quotes, and knows no escapes.
  if (value !== value.trim() || /^["']|["']$/.test(value)) {
    throw new RenderError(
      'render.cron.value',
      property,
      `${shown(value)} begins or ends with a blank or a quote, which cron drops`,
      'Set the variable in the command instead',
    );
  }
  const line = `${name}=${value === '' ? '""' : value}`;
  if (Buffer.byteLength(line) > LONGEST) throw tooLong(property, line);
  return line;
}

function jobLines(job: CronJob, index: number): string {
  const property = `jobs[${index}]`;
  if (!/^[a-z_][a-z0-9_-]{0,30}\$?$/.test(job.user)) {
    throw new RenderError(
      'render.cron.user',
      `${property}.user`,
      `${shown(job.user)} is not an account name`,
      'Give the name of a user',
    );
  }
  requirePlain('render.cron', `${property}.command`, job.command, { tab: true });
  if (job.command.trim() === '') {
    throw new RenderError('render.cron.command', `${property}.command`, 'there is no command', 'Give one');
  }
  // A bare % ends the command and starts its standard input; cron takes one backslash off before % and \.
  const command = job.command.trim().replace(/[%\\]/g, String.raw`\$&`);
  if (Buffer.byteLength(command) > LONGEST) throw tooLong(`${property}.command`, command);
  const comment = (job.comment ?? []).map((line) => {
    requirePlain('render.cron', `${property}.comment`, line, { tab: true });
    return `# ${line}`.trimEnd();
  });
  return [...comment, `${cronSchedule(job.schedule)} ${job.user} ${command}`].join('\n');
}

function tooLong(property: string, text: string): RenderError {
  return new RenderError(
    'render.cron.long',
    property,
    `${Buffer.byteLength(text)} bytes are more than the ${LONGEST} that cron reads`,
    'Put it into a script and let cron run that',
  );
}
