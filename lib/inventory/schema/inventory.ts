import { z } from 'zod';
import { absolutePath, manifestSchema, osSchema, secretSourcesSchema } from '../../manifest/index.js';
import type { RoleHostKeys, RoleSiteKeys } from '../role-keys.js';
import { thresholdsSchema } from './thresholds.js';
import { addressSchema, rootSchema, sshSchema } from './reach.js';
import { mountInventorySchema } from './storage.js';

/** IPv4 or IPv6 address, or a network in CIDR notation: what a firewall rule can hold. */
const network = z
  .union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], {
    error: 'is not an IP address or a network such as 192.168.10.0/24',
  })
  .meta({ examples: ['192.168.10.1', '192.168.10.0/24', 'fd00::/8'] });

/** What every host may have; roles add their keys. */
export const baseHostSchema = z.strictObject({
  address: addressSchema
    .optional()
    .describe('IP address or name that the operator and the other hosts reach it at'),
  os: osSchema
    .optional()
    .describe(
      'Its release, debian-12 or debian-13: what that lacks is refused, and so is a host that has another one',
    ),
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
  protect: z
    .boolean()
    .optional()
    .describe(
      'True: Terraform refuses a plan that would destroy or replace the host, and "citadel-iac retire" refuses the host',
    ),
  mounts: z.record(absolutePath, mountInventorySchema).default({}).describe('Disks, by mount point'),
  groups: z
    .array(z.string())
    .optional()
    .describe('Groups that it is in, whose settings it has where it says nothing else itself'),
});

export function hostsOf<T extends z.ZodType>(host: T) {
  return z
    .record(manifestSchema.shape.host, host)
    .refine((hosts) => Object.keys(hosts).length > 0, 'names no host')
    .describe('The hosts, by name');
}

/** What a person writes in an inventory, next to `hosts` and the keys of roles. It names secrets, and never holds one. */
export const baseInventorySchema = z.strictObject({
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
  targetsFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      'JSON file whose address, user, port, hostKeys and identityFile are laid over the hosts’; relative to the project',
    ),
});

export type HostInventory = z.infer<typeof baseHostSchema> & RoleHostKeys;
export type InventoryDocument = z.infer<typeof baseInventorySchema> & {
  hosts: Record<string, HostInventory>;
  /** The hosts of each group, those of groups in it included. */
  groups: Readonly<Record<string, readonly string[]>>;
} & RoleSiteKeys;
