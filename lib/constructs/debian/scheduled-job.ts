import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { addRule } from '../host/problems.js';
import { SystemdUnit } from '../host/unit.js';
import type { UnitSections } from '../host/unit-sections.js';
import { Duration } from '../units.js';
import { ONE_LINE, requireForm } from './forms.js';

export interface ScheduledJobProps {
  /** Name of its units, `<name>.timer` and `<name>.service`. @default - the construct's id */
  readonly name?: string;
  /** Program and arguments, run without a shell. A shell is `['/bin/sh', '-c', '…']`. */
  readonly command: readonly string[];
  /** When, as systemd.time(7) has it: `daily`, `Mon *-*-* 02:30`, `*:0/15`; several are all of them. */
  readonly schedule: string | readonly string[];
  /** User who runs it. @default 'root' */
  readonly user?: string;
  /** Whether a run that fell into a time when the host was off is made up at the next boot. @default true */
  readonly catchUp?: boolean;
  /** At most how much later it begins, by chance, so that many hosts do not begin at once. @default - on time */
  readonly spread?: Duration;
  /** How long it may take; it is ended then, and has failed. @default Duration.hours(1) */
  readonly timeout?: Duration;
  /** Further directives of its service: `{ Nice: 10, ProtectSystem: 'strict' }`. @default {} */
  readonly service?: NonNullable<UnitSections['service']>;
}

const NAMES: Names<ScheduledJobProps> = {
  name: true,
  command: true,
  schedule: true,
  user: true,
  catchUp: true,
  spread: true,
  timeout: true,
  service: true,
};

/**
 * A command at certain times, by a timer of systemd. What it prints is in the journal, a run never meets the one before, and one that
 * fails is a failed unit, which alerts see. An apply starts the timer and never the command.
 *
 *     new ScheduledJob(host, 'shop-dump', {
 *       command: ['/usr/bin/pg_dump', '-Fc', '-f', '/var/backups/shop.dump', 'shop'],
 *       schedule: '*-*-* 02:30',
 *       user: 'postgres',
 *     });
 */
export class ScheduledJob extends Construct {
  readonly timer: SystemdUnit;
  readonly service: SystemdUnit;

  constructor(scope: Construct, id: string, props: ScheduledJobProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, command, schedule, user, catchUp = true, spread, timeout = Duration.hours(1) } = props;
    const times = typeof schedule === 'string' ? [schedule] : schedule;
    requireForm(this, 'name', name, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, 'a name of a unit without its suffix', 'Use letters, digits, "_", "." and "-"'); // prettier-ignore
    for (const time of times) requireForm(this, 'schedule', time, ONE_LINE, 'a time', 'Write it as daily or Mon *-*-* 02:30'); // prettier-ignore
    addRule(this, () => {
      const problem = (property: string, got: string, fix: string) => [
        { code: 'construct.job', property, got, fix },
      ];
      if (times.length === 0) return problem('schedule', 'there is no time', 'Give at least one');
      if (command.length === 0)
        return problem('command', 'there is none', 'Give a program and its arguments');
      // crontab(5) has five fields of digits and stars; systemd would refuse it on the host only.
      const cron = times.find((time) => /^[\d*/,-]+(?: [\d*/,-]+){4}$/.test(time));
      if (cron === undefined) return [];
      return problem('schedule', `${JSON.stringify(cron)} is a time of cron`, 'Write it as systemd does, *-*-* 02:30, or use CronFile'); // prettier-ignore
    });
    this.service = new SystemdUnit(this, 'service', {
      name: `${name}.service`,
      unit: { Description: `Job ${name}` },
      service: {
        Type: 'oneshot',
        ...(user === undefined ? {} : { User: user }),
        ExecStart: command.length === 0 ? '' : exec(command),
        TimeoutStartSec: timeout,
        ...props.service,
      },
    });
    this.timer = new SystemdUnit(this, 'timer', {
      name: `${name}.timer`,
      unit: { Description: `When ${name} runs` },
      timer: {
        OnCalendar: times,
        Persistent: catchUp,
        ...(spread === undefined ? {} : { RandomizedDelaySec: spread }),
      },
      install: { WantedBy: 'timers.target' },
    });
  }
}
