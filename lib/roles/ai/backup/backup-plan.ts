import { Construct } from 'constructs';
import { cronTimes, RenderError, type CronTimes } from '../../../render/index.js';
import { addRule, AptPackage, CronFile, type OwnProblem } from '../../../constructs/host/index.js';
import { Duration, Size } from '../../../constructs/units.js';
import { gibibytes } from '../../../text/size.js';
import { longestGap, overlaps, type TimedJob } from './occurrences.js';

/** When a job runs: five fields as crontab(5), in the host's time zone. */
export interface PlannedJob {
  readonly schedule: string;
  /** How long it has the disks for itself. @default - estimated from the weights and `throughput` */
  readonly duration?: Duration;
}

export interface PlannedCopies extends PlannedJob {
  /** How many copies of each model are kept. */
  readonly keep: number;
}

export interface PlannedAge extends PlannedJob {
  /** Age at which a backup counts as old. */
  readonly olderThanDays: number;
}

export interface BackupPlanProps {
  /** Account that the jobs run as. */
  readonly account: string;
  /** Where backups are kept. */
  readonly directory: string;
  /** Backups of the models. */
  readonly models: Readonly<Record<ModelBackup, PlannedCopies>>;
  /** Backups of the configuration: small, so they may run next to all others. */
  readonly configs: { readonly schedule: string };
  /** Reading all backups back. */
  readonly verify: PlannedJob;
  /** Removing old backups. */
  readonly cleanup: PlannedAge;
  /** Moving old backups to the archive. */
  readonly archive: PlannedAge;
  /** Size of all models together. */
  readonly weights: Size;
  /** Size of the file system that `directory` is on. @default - unknown: no disk budget */
  readonly diskSize?: Size;
  /** What a job reads and packs in a second. @default Size.mebibytes(100) */
  readonly throughput?: Size;
  /** Directory of the programs. @default '/opt/citadel/scripts' */
  readonly scripts?: string;
}

type ModelBackup = 'daily' | 'weekly' | 'monthly';
const MODEL_BACKUPS = ['daily', 'weekly', 'monthly'] as const satisfies readonly ModelBackup[];

/** After how long without a success someone should know. */
export type MaxAges = Readonly<Record<ModelBackup | 'configs' | 'verify', Duration>>;

/** Start of a program, its locks, and what it prints: for each job on top of its data. */
const OVERHEAD = Duration.minutes(5);
/** To remove files takes no reading. */
const CLEANUP = Duration.minutes(10);
const MEBIBYTE = 1024 ** 2;

/**
 * The jobs of `/etc/cron.d/citadel-backup`: when models and configuration are saved, and what happens to backups later.
 * Jobs that need the disks for themselves may not meet; a program also refuses to run next to another of its kind.
 *
 * Jobs run at the lowest priority. What they print goes to the journal (`journalctl -t citadel-backup`), by a program that
 * becomes the job, so that nothing stands between it and its signals; how it ended is said by its metrics.
 */
export class BackupPlan extends Construct {
  /** Of the job file in /etc/cron.d. */
  static readonly NAME = 'citadel-backup';
  /** Under which jobs write to the journal. */
  static readonly JOURNAL = 'citadel-backup';

  readonly cron: CronFile;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: BackupPlanProps,
  ) {
    super(scope, id);
    const { models, configs, verify, cleanup, archive } = props;
    new AptPackage(this, 'cron-package', { name: 'cron' });
    new AptPackage(this, 'zstd');
    this.cron = new CronFile(this, 'cron', {
      name: BackupPlan.NAME,
      // Everything goes to the journal, and failures to the alerts: cron's mail is read by no one.
      mailTo: '',
      jobs: [
        ...MODEL_BACKUPS.map((type) =>
          this.job(models[type].schedule, `backup_models.py --type ${type}`, [
            `All models, the ${models[type].keep} newest ${type} copies are kept`,
          ]),
        ),
        this.job(configs.schedule, 'backup_configs.py', ['Configuration']),
        this.job(verify.schedule, 'backup_manager.py validate-all', ['Read all backups back']),
        this.job(cleanup.schedule, `backup_manager.py cleanup ${cleanup.olderThanDays}`, [
          'Remove what is old; the last good backup of a model stays',
        ]),
        this.job(archive.schedule, `backup_manager.py archive --older-than ${archive.olderThanDays}`, [
          'Move what is old to the archive',
        ]),
      ],
    });
    addRule(this, () => [...this.unusable(), ...this.meetings(), ...this.overBudget()]);
  }

  /**
   * How old the newest success of each backup may be: the longest time between two runs and a quarter of it, at least
   * 45 minutes, and the time that a run takes.
   */
  get maxAges(): MaxAges {
    const { models, configs, verify } = this.props;
    const age = (job: PlannedJob, estimate: Duration): Duration => {
      const times = timesOf(job.schedule);
      const gap = (times === undefined ? undefined : longestGap(times)) ?? 0;
      const slack = Math.max(45, Math.ceil(gap / 4));
      return Duration.minutes(gap + slack + minutesOf(job.duration ?? estimate));
    };
    return {
      daily: age(models.daily, this.copying),
      weekly: age(models.weekly, this.copying),
      monthly: age(models.monthly, this.copying),
      configs: age(configs, Duration.minutes(0)),
      verify: age(verify, this.verifying),
    };
  }

  private get copying(): Duration {
    return this.reading(this.props.weights.toBytes());
  }

  private get verifying(): Duration {
    return this.reading(this.props.weights.toBytes() * this.copies);
  }

  /** Copies of each model that are kept. */
  private get copies(): number {
    return MODEL_BACKUPS.reduce((sum, type) => sum + this.props.models[type].keep, 0);
  }

  private reading(bytes: number): Duration {
    const perSecond = (this.props.throughput ?? Size.bytes(100 * MEBIBYTE)).toBytes();
    return Duration.seconds(Math.ceil(bytes / perSecond) + OVERHEAD.toSeconds());
  }

  private job(schedule: string, command: string, comment: string[]) {
    const { account, scripts = '/opt/citadel/scripts' } = this.props;
    const quietly = `systemd-cat --identifier=${BackupPlan.JOURNAL} --stderr-priority=warning nice -n 19 ionice -c 3`;
    return { schedule, user: account, command: `${quietly} ${scripts}/${command}`, comment };
  }

  private get heavy(): (PlannedJob & { readonly name: string; readonly estimate: Duration })[] {
    const { models, verify, cleanup, archive } = this.props;
    return [
      ...MODEL_BACKUPS.map((name) => ({ name, ...models[name], estimate: this.copying })),
      { name: 'verify', ...verify, estimate: this.verifying },
      { name: 'cleanup', ...cleanup, estimate: CLEANUP },
      { name: 'archive', ...archive, estimate: this.copying },
    ];
  }

  /** What a schedule is that cron does not read is the cron file's to say; this one is read and not a time. */
  private unusable(): OwnProblem[] {
    return this.heavy
      .filter(({ schedule }) => schedule.trim() === '@reboot')
      .map(({ name, schedule }) => ({
        code: 'construct.backup.no-time',
        property: `${name}.schedule`,
        got: `${JSON.stringify(schedule)} is no time, so no one can say what it would meet`,
        fix: 'Give five fields as crontab(5)',
      }));
  }

  private meetings(): OwnProblem[] {
    const jobs = this.heavy.flatMap(({ name, schedule, duration, estimate }): TimedJob[] => {
      const times = timesOf(schedule);
      return times === undefined ? [] : [{ name, times, minutes: minutesOf(duration ?? estimate) }];
    });
    return overlaps(jobs).map(({ first, second, at }) => {
      const running = this.heavy.find(({ name }) => name === first);
      const starting = this.heavy.find(({ name }) => name === second);
      const length = minutesOf(running?.duration ?? running?.estimate ?? OVERHEAD);
      return {
        code: 'construct.backup.overlap',
        property: `${second}.schedule`,
        got:
          `${JSON.stringify(starting?.schedule)} starts while ${first} (${JSON.stringify(running?.schedule)}, ` +
          `${running?.duration === undefined ? 'about ' : ''}${Duration.minutes(length).toString()}) still runs, for example on ${at}`,
        fix: `Give one of them another time, or say how long ${first} takes (duration)`,
      };
    });
  }

  private overBudget(): OwnProblem[] {
    const { models, weights, diskSize, directory } = this.props;
    if (diskSize === undefined) return [];
    const need = weights.toBytes() * (this.copies + 1);
    if (need <= diskSize.toBytes()) return [];
    const kept = MODEL_BACKUPS.map((type) => `${models[type].keep} ${type}`).join(' + ');
    return [
      {
        code: 'construct.backup.disk',
        property: 'diskSize',
        got:
          `${gibibytes(weights.toBytes())} GiB of models × (${kept} + 1 being written) = ${gibibytes(need)} GiB, ` +
          `more than the ${gibibytes(diskSize.toBytes())} GiB under ${directory}`,
        fix: 'Keep fewer copies, or use a larger disk',
      },
    ];
  }
}

/** The times of a schedule that cron would read; another problem tells of all others. */
function timesOf(schedule: string): CronTimes | undefined {
  try {
    return cronTimes(schedule);
  } catch (error) {
    if (error instanceof RenderError) return undefined;
    throw error;
  }
}

function minutesOf(duration: Duration): number {
  return Math.ceil(duration.toSeconds() / 60);
}
