import { z } from 'zod';

/** A formatted disk of the host, by mount point. */
export const mountInventorySchema = z.strictObject({
  device: z
    .string()
    .regex(
      /^(\/dev\/[^\s\0]+|(LABEL|UUID|PARTLABEL|PARTUUID)=[^\s\0]+)$/,
      'is not a device: /dev/…, LABEL=… or UUID=…',
    )
    .describe('What is mounted: /dev/…, LABEL=… or UUID=…; it must have a file system already')
    .meta({ examples: ['LABEL=citadel-models', '/dev/nvme1n1p1'] }),
  type: z
    .string()
    .regex(/^[a-z0-9._-]+$/, 'is not a file system type such as ext4')
    .describe('File system type, for example ext4')
    .meta({ examples: ['ext4', 'xfs'] }),
  options: z
    .array(z.string().regex(/^[^\s,]+$/, 'is not one mount option'))
    .min(1)
    .default(['defaults', 'nofail'])
    .describe('Mount options, one per entry (default: defaults, nofail)'),
  sizeGiB: z
    .number()
    .positive()
    .max(1_048_576)
    .optional()
    .describe('Size of the file system in GiB, for disk budgets (default: unknown, and no budget)'),
});

export type MountInventory = z.infer<typeof mountInventorySchema>;
