import { z } from 'zod';
import { absolutePath } from '../../../manifest/index.js';
import { cronSchedule } from '../../../inventory/index.js';

const schedule = (byDefault: string, what: string) =>
  cronSchedule
    .default(byDefault)
    .describe(`When ${what}, five fields as crontab(5), in the host’s time zone`)
    .meta({ examples: ['30 2 * * *', '0 6 * * 0', '*/15 * * * *'] });

const keep = (max: number, byDefault: number) =>
  z.number().int().min(1).max(max).default(byDefault).describe('How many of them are kept');

/** Copies of every model: when, and how many. */
const kind = (name: string, time: string, max: number, copies: number) =>
  z
    .strictObject({ schedule: schedule(time, 'it runs'), keep: keep(max, copies) })
    .prefault({})
    .describe(`The ${name} backup of the models`);

const age = (byDefault: number) =>
  z.number().int().min(1).max(3650).default(byDefault).describe('Days after which a backup counts as old');

/**
 * What is kept, when it is made and for how long. The defaults leave each heavy job
 * hours of its own, on whatever day of the week the first of a month falls.
 */
export const backupSchema = z.strictObject({
  directory: absolutePath.default('/mnt/citadel-backup').describe('Where backups are kept'),
  models: z
    .strictObject({
      daily: kind('daily', '30 2 * * *', 366, 7),
      weekly: kind('weekly', '0 6 * * 0', 260, 4),
      monthly: kind('monthly', '0 10 1 * *', 120, 12),
    })
    .prefault({})
    .describe('Backups of the models'),
  configs: z
    .strictObject({ schedule: schedule('*/15 * * * *', 'it runs'), keep: keep(100_000, 96) })
    .prefault({})
    .describe('Backups of the configuration'),
  verify: z
    .strictObject({ schedule: schedule('0 14 * * 6', 'all backups are read back') })
    .prefault({})
    .describe('Reading all backups back'),
  cleanup: z
    .strictObject({ schedule: schedule('0 1 * * *', 'old backups are removed'), olderThanDays: age(30) })
    .prefault({})
    .describe('Removing old backups; the last good one of a model always stays'),
  archive: z
    .strictObject({
      schedule: schedule('0 22 2 * *', 'old backups are moved to the archive'),
      olderThanDays: age(30),
    })
    .prefault({})
    .describe('Moving old backups to the archive'),
});

export type BackupInventory = z.infer<typeof backupSchema>;
