import { z } from 'zod';
import { absolutePath, manifestSchema, secretSourcesSchema } from '../../manifest/index.js';
import { aiSchema } from './ai.js';
import { backupSchema } from './backup.js';
import { monitoringSchema, sloSchema, thresholdsSchema } from './monitoring.js';
import { addressSchema, rootSchema, sshSchema, tcpPort } from './reach.js';
import { mountInventorySchema } from './storage.js';

/** IPv4 or IPv6 address, or a network in CIDR notation: what a firewall rule can hold. */
const network = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
    error: 'is not an IP address or a network such as 192.168.10.0/24',
  })
  .meta({ examples: ['192.168.10.1', '192.168.10.0/24', 'fd00::/8'] });

export const hostInventorySchema = z.strictObject({
  address: addressSchema
    .optional()
    .describe('IP address or name that the operator and the other hosts reach it at'),
  ssh: sshSchema.optional().describe('How to log in'),
  root: rootSchema.optional(),
  generations: z
    .strictObject({
      keep: z.number().int().min(3).max(1000).default(20).describe('How many of the newest are kept'),
      maxAgeDays: z
        .number()
        .int()
        .min(1)
        .max(36_500)
        .default(365)
        .describe('Days after which one is dropped; the newest three and pinned ones never are'),
    })
    .optional()
    .describe('Which generations the host keeps to go back to'),
  nodeExporter: z
    .strictObject({ port: tcpPort('TCP port of the node exporter').default(9100) })
    .prefault({})
    .describe('The exporter of machine metrics'),
  mounts: z.record(absolutePath, mountInventorySchema).default({}).describe('Disks, by mount point'),
  backup: backupSchema.optional().describe('What is backed up, when, and how long it is kept'),
  ai: aiSchema.optional().describe('Makes the host an AI node: GPUs and model services'),
  monitoring: monitoringSchema.optional().describe('Makes the host the monitoring server'),
});

/** What a person writes in `stacks/inventory/*.yaml`. It names secrets, and never holds one. */
export const inventorySchema = z.strictObject({
  hosts: z
    .record(manifestSchema.shape.host, hostInventorySchema)
    .refine((hosts) => Object.keys(hosts).length > 0, 'names no host')
    .describe('The hosts, by name'),
  operator: z
    .strictObject({
      addresses: z.array(network).describe('Addresses or networks that may use SSH and the web interfaces'),
    })
    .prefault({ addresses: [] })
    .describe('Where people work from'),
  secrets: secretSourcesSchema
    .default({})
    .describe('Where the value of each secret is found: env, file, command or age'),
  thresholds: thresholdsSchema.prefault({}).describe('Levels at which alerts fire'),
  slo: sloSchema.prefault({}).describe('What is promised of each model'),
  targetsFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'JSON file whose address, user, port, hostKeys and identityFile are laid over the hosts’; relative to the project',
    ),
});

export type InventoryDocument = z.infer<typeof inventorySchema>;
export type HostInventory = z.infer<typeof hostInventorySchema>;
