import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cronSchedule, RenderError, renderCronFile } from '../../lib/render/index.js';
import { hostileLine } from './hostile.js';

const one = (job: object, environment = {}) =>
  renderCronFile({ jobs: [{ schedule: '@daily', user: 'root', command: 'true', ...job }], environment });

describe('cronSchedule', () => {
  it.each([
    ['0 3 * * *', '0 3 * * *'],
    ['  */5\t0-23/2   1,15 jan-mar,DEC mon-fri ', '*/5 0-23/2 1,15 jan-mar,DEC mon-fri'],
    ['0 0 29 2 *', '0 0 29 2 *'],
    ['0 0 31 2 1', '0 0 31 2 1'],
    ['0 0 * * 7', '0 0 * * 7'],
    ['@reboot', '@reboot'],
  ])('%s', (text, expected) => {
    expect(cronSchedule(text)).toBe(expected);
  });

  const advice = (range: string) => `Use ${range}, *, ranges (1-5), lists (1,15) and steps (*/10).`;
  it.each([
    ['60 * * * *', `schedule: "60 * * * *" has "60" for the minute. ${advice('0 to 59')}`],
    ['* 24 * * *', `schedule: "* 24 * * *" has "24" for the hour. ${advice('0 to 23')}`],
    ['* * 0 * *', `schedule: "* * 0 * *" has "0" for the day of month. ${advice('1 to 31')}`],
    ['* * * foo *', `schedule: "* * * foo *" has "foo" for the month. ${advice('1 to 12')}`],
    ['* * * * 8', `schedule: "* * * * 8" has "8" for the day of week. ${advice('0 to 7')}`],
    ['5/2 * * * *', `schedule: "5/2 * * * *" has "5/2" for the minute. ${advice('0 to 59')}`],
    ['*/0 * * * *', `schedule: "*/0 * * * *" has "*/0" for the minute. ${advice('0 to 59')}`],
    ['5-1 * * * *', `schedule: "5-1 * * * *" has "5-1" for the minute. ${advice('0 to 59')}`],
    [
      '* * * *',
      'schedule: "* * * *" has 4 fields. Give five: minute, hour, day of month, month, day of week.',
    ],
    [
      '* * * * * *',
      'schedule: "* * * * * *" has 6 fields. Give five: minute, hour, day of month, month, day of week.',
    ],
    ['0 0 30 2 *', 'schedule: "0 0 30 2 *" never comes. Choose a day that one of the months has.'],
    [
      '@every',
      'schedule: "@every" is not a time that cron knows. Use five fields, or one of @reboot, @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly.',
    ],
    [
      '@DAILY',
      'schedule: "@DAILY" is not a time that cron knows. Use five fields, or one of @reboot, @yearly, @annually, @monthly, @weekly, @daily, @midnight, @hourly.',
    ],
  ])('refuses %s', (text, message) => {
    expect(() => cronSchedule(text)).toThrow(message);
  });
});

describe('renderCronFile', () => {
  it('writes the environment, then a line per job', () => {
    expect(
      renderCronFile({
        environment: { MAILTO: '' },
        jobs: [
          {
            schedule: '0 3 * * *',
            user: 'agent0',
            command: 'backup $(date +%F)',
            comment: ['Daily backup', ''],
          },
          { schedule: '@hourly', user: 'root', command: String.raw`printf 'a\\b'` },
        ],
      }),
    ).toBe(
      String.raw`MAILTO=""
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
SHELL=/bin/sh

# Daily backup
#
0 3 * * * agent0 backup $(date +\%F)

@hourly root printf 'a\\\\b'
`,
    );
  });

  it.each([
    [{ user: 'Root' }, {}, 'jobs[0].user: "Root" is not an account name. Give the name of a user.'],
    [{ command: 'a\nb' }, {}, 'jobs[0].command: "a\\nb" has a line end inside. Give one line.'],
    [{ command: ' ' }, {}, 'jobs[0].command: there is no command. Give one.'],
    [
      { command: 'x'.repeat(999) },
      {},
      'jobs[0].command: 999 bytes are more than the 998 that cron reads. Put it into a script and let cron run that.',
    ],
    [{ comment: ['a\nb'] }, {}, 'jobs[0].comment: "a\\nb" has a line end inside. Give one line.'],
    [{}, { 'A B': '' }, 'environment.A B: "A B" is not a variable name. Use letters, digits and "_".'],
    [
      {},
      { A: ' x' },
      'environment.A: " x" begins or ends with a blank or a quote, which cron drops. Set the variable in the command instead.',
    ],
    [
      {},
      { A: '"x"' },
      'environment.A: "\\"x\\"" begins or ends with a blank or a quote, which cron drops. Set the variable in the command instead.',
    ],
    [{}, { A: 'x\ny' }, 'environment.A: "x\\ny" has a line end inside. Give one line.'],
  ])('refuses %#', (job, environment, message) => {
    expect(() => one(job, environment)).toThrow(message);
  });

  it('gives the shell every command as it was, by an independent reading of what cron does', () => {
    fc.assert(
      fc.property(hostileLine, (command) => {
        let line: string | undefined;
        try {
          line = one({ command }).trimEnd().split('\n').at(-1);
        } catch (error) {
          expect(error).toBeInstanceOf(RenderError);
          expect(command.trim() === '' || Buffer.byteLength(command) > 400).toBe(true);
          return;
        }
        expect(readCommand(line?.replace(/^@daily root /, '') ?? '')).toBe(command.trim());
      }),
      { numRuns: 1000 },
    );
  });
});

/** Debian's cron: one backslash goes before % and \, a bare % would end the command. */
function readCommand(text: string): string {
  let command = '';
  for (let index = 0; index < text.length; index++) {
    const [character, next] = [text.charAt(index), text.charAt(index + 1)];
    if (character === '%') throw new Error(`a bare % in ${text}`);
    if (character === '\\' && (next === '%' || next === '\\')) command += text.charAt(++index);
    else command += character;
  }
  return command;
}
