import { z } from 'zod';
import { absolutePath } from '../../manifest/index.js';
import { cronSchedule } from './cron-schedule.js';

/** A formatted disk of the host, by mount point. */
export const mountInventorySchema = z.strictObject({
  device: z
    .string()
    .regex(
      /^(\/dev\/[^\s\0]+|(LABEL|UUID|PARTLABEL|PARTUUID)=[^\s\0]+)$/,
      'is not a device: /dev/…, LABEL=… or UUID=…',
    )
    .describe('What is mounted: /dev/…, LABEL=… or UUID=…; it must have a file system already'),
  type: z
    .string()
    .regex(/^[a-z0-9._-]+$/, 'is not a file system type such as ext4')
    .describe('File system type, for example ext4'),
  options: z
    .array(z.string().regex(/^[^\s,]+$/, 'is not one mount option'))
    .min(1)
    .default(['defaults', 'nofail'])
    .describe('Mount options, one per entry (default: defaults, nofail)'),
});

export const backupSchema = z.strictObject({
  directory: absolutePath.default('/mnt/citadel-backup').describe('Where backups are kept'),
  daily: z
    .strictObject({
      schedule: cronSchedule.describe('When it runs, five fields as crontab(5), in the host’s time zone'),
      keep: z.number().int().min(1).max(366).default(7).describe('How many of them are kept'),
    })
    .describe('The daily backup'),
});

export type MountInventory = z.infer<typeof mountInventorySchema>;
export type BackupInventory = z.infer<typeof backupSchema>;
