import { z } from 'zod';

/** The driver of the GPUs, where the host installs it. */
export const driverSchema = z.strictObject({
  from: z
    .enum(['debian', 'nvidia'])
    .describe('Where it comes from: Debian’s own non-free packages, or NVIDIA’s repository'),
  version: z
    .string()
    .regex(
      /^\d{3}(?:\.\d{1,4}){0,2}(?:\.\*|-[A-Za-z0-9.+~]+)?$/,
      'is not a version such as 580.* or 580.95.05-1',
    )
    .optional()
    .describe(
      'Version that is taken and held, 580.* or a whole one (default: the branch that Debian’s release has)',
    ),
  modules: z
    .enum(['open', 'proprietary'])
    .default('open')
    .describe(
      'Kernel modules: open ones need Turing or newer, Blackwell needs them, Volta and older the others',
    ),
  mirror: z
    .url({ protocol: /^https?$/ })
    .refine((text) => !/[\s@?#"]/.test(text), 'has a password, a query, a fragment or a space')
    .optional()
    .describe(
      'Address of the packages: a mirror of Debian’s, or of NVIDIA’s flat repository (default: theirs)',
    ),
  key: z
    .string()
    .regex(/^(?!\/)[^\0]+$/, 'is not a relative path')
    .optional()
    .describe('File with the public key of NVIDIA’s repository, ASCII-armoured; relative to the project'),
  headers: z
    .string()
    .regex(/^linux-headers-[a-z0-9.+-]+$/, 'is not a package such as linux-headers-amd64')
    .default('linux-headers-amd64')
    .describe('Package of the kernel’s headers, which follows the kernel’s: the modules are built with them'),
  persistenced: z.boolean().default(true).describe('Whether nvidia-persistenced runs'),
  fabricManager: z
    .boolean()
    .default(false)
    .describe('Whether the host has NVSwitch, which works with the fabric manager alone'),
});

export type DriverInventory = z.infer<typeof driverSchema>;
