import { describe, expect, it } from 'vitest';
import { BackupPlan, type BackupPlanProps } from '../../../lib/roles/ai/backup/index.js';
import { Duration, Size, UserAccount, type Host } from '../../../lib/constructs/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { hostWith, manifestOf, problemsOf } from '../../constructs/host/support.js';

const PLAN: BackupPlanProps = {
  account: 'agent0',
  directory: '/mnt/citadel-backup',
  models: {
    daily: { schedule: '30 2 * * *', keep: 7 },
    weekly: { schedule: '0 6 * * 0', keep: 4 },
    monthly: { schedule: '0 10 1 * *', keep: 12 },
  },
  configs: { schedule: '*/15 * * * *' },
  verify: { schedule: '0 14 * * 6' },
  cleanup: { schedule: '0 1 * * *', olderThanDays: 30 },
  archive: { schedule: '0 22 2 * *', olderThanDays: 30 },
  weights: Size.gibibytes(100),
};

function plan(over: Partial<BackupPlanProps> = {}): (host: Host) => void {
  return (host) => {
    new UserAccount(host, 'agent0', { name: 'agent0' });
    new BackupPlan(host, 'backup', { ...PLAN, ...over });
  };
}

const daily = (over: Partial<BackupPlanProps['models']['daily']>) => ({
  models: { ...PLAN.models, daily: { ...PLAN.models.daily, ...over } },
});

function cronFile(): string {
  return manifestOf(plan()).files?.['/etc/cron.d/citadel-backup']?.content ?? '';
}

describe('a backup plan', () => {
  it('is a line of cron for each job, at the lowest priority, with its output in the journal', () => {
    const jobs = cronFile()
      .split('\n')
      .filter((line) => /^[0-9*]/.test(line));
    const quietly =
      'agent0 systemd-cat --identifier=citadel-backup --stderr-priority=warning nice -n 19 ionice -c 3 /opt/citadel/scripts/';
    expect(jobs).toEqual([
      `*/15 * * * * ${quietly}backup_configs.py`,
      `0 22 2 * * ${quietly}backup_manager.py archive --older-than 30`,
      `0 1 * * * ${quietly}backup_manager.py cleanup 30`,
      `0 14 * * 6 ${quietly}backup_manager.py validate-all`,
      `30 2 * * * ${quietly}backup_models.py --type daily`,
      `0 10 1 * * ${quietly}backup_models.py --type monthly`,
      `0 6 * * 0 ${quietly}backup_models.py --type weekly`,
    ]);
    expect(cronFile()).toContain('MAILTO=""\n');
  });

  /** Skipped where cron is missing. */
  it.skipIf(!hasTool('crontab'))(
    'is read by cron, but for the account, which user tables do not have',
    () => {
      const root = scratch();
      writeTree(root, { table: cronFile().replaceAll(' agent0 ', ' ') });
      expect(tool('crontab', ['-n', `${root}/table`])).toMatchObject({ status: 0 });
    },
  );

  it('runs its jobs so that they end as they would by themselves', () => {
    const command = /systemd-cat .* ionice -c 3/.exec(cronFile())?.[0] ?? '';
    expect(command).not.toBe('');
    // Here is no journal to connect to; the rest is run as it stands.
    const rest = command.replace(/^systemd-cat \S+ \S+ /, '');
    expect(tool('sh', ['-c', `${rest} sh -c 'echo said; exit 75'`])).toEqual({
      status: 75,
      output: 'said\n',
    });
  });

  it('knows when someone should worry', () => {
    let ages: Readonly<Record<string, string>> = {};
    hostWith((host) => {
      const { maxAges } = new BackupPlan(host, 'backup', PLAN);
      ages = Object.fromEntries(Object.entries(maxAges).map(([name, age]) => [name, age.toString()]));
    });
    // 100 GiB at 100 MiB/s and five minutes: 23 minutes; all 23 copies of it: 6 h 38 min.
    expect(ages).toEqual({
      daily: '1d6h23m',
      weekly: '8d18h23m',
      monthly: '38d18h23m',
      configs: '1h',
      verify: '9d38m',
    });
  });
});

const at = 'ai-node/host/backup';

describe('a backup plan is refused', () => {
  it('when two heavy jobs meet, on any day that the calendar brings', () => {
    expect(problemsOf(plan(daily({ schedule: '50 9 * * *' })))).toEqual([
      `[${at}] monthly.schedule: "0 10 1 * *" starts while daily ("50 9 * * *", about 23m) still runs, for example on 2024-01-01 10:00. ` +
        'Give one of them another time, or say how long daily takes (duration).',
    ]);
  });

  it('when a job takes longer than it waits for itself', () => {
    expect(problemsOf(plan(daily({ schedule: '0 2,3 * * *', duration: Duration.minutes(61) })))).toEqual([
      `[${at}] daily.schedule: "0 2,3 * * *" starts while daily ("0 2,3 * * *", 1h1m) still runs, for example on 2024-01-01 03:00. ` +
        'Give one of them another time, or say how long daily takes (duration).',
    ]);
  });

  it('when two jobs meet on one day in 28 years only', () => {
    const verify = { schedule: '0 10 29 2 *' };
    const weekly = { schedule: '0 11 * * 0', keep: 4 };
    const found = problemsOf(plan({ verify, models: { ...PLAN.models, weekly } }));
    expect(found).toEqual([expect.stringContaining('for example on 2032-02-29 11:00')]);
  });

  it('when a time never comes', () => {
    expect(problemsOf(plan(daily({ schedule: '0 2 31 2 *' })))).toEqual([
      `[${at}/cron] schedule: "0 2 31 2 *" never comes. Choose a day that one of the months has.`,
    ]);
  });

  it('when a job runs at boot and at no time', () => {
    expect(problemsOf(plan({ verify: { schedule: '@reboot' } }))).toEqual([
      `[${at}] verify.schedule: "@reboot" is no time, so no one can say what it would meet. Give five fields as crontab(5).`,
    ]);
  });

  it('when its disk cannot hold all copies, with the arithmetic', () => {
    expect(problemsOf(plan({ diskSize: Size.gibibytes(2399) }))).toEqual([
      `[${at}] diskSize: 100 GiB of models × (7 daily + 4 weekly + 12 monthly + 1 being written) = 2400 GiB, ` +
        'more than the 2399 GiB under /mnt/citadel-backup. Keep fewer copies, or use a larger disk.',
    ]);
    expect(problemsOf(plan({ diskSize: Size.gibibytes(2400) }))).toEqual([]);
  });
});
