import { z } from 'zod';
import { secretName } from '../../../manifest/index.js';
import { sourceFault } from '../weights/source.js';

const from = z.string().superRefine((text, context) => {
  const fault = sourceFault(text);
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** A pattern of paths in the source; of `https://` a path itself. */
const pattern = z
  .string()
  .min(1)
  .max(400)
  .regex(/^(?!\/)[^\p{C}\\]+$/u, 'is not a pattern of relative paths');

/** Where the weights of a model come from. What is in them is written into `models.lock.yaml` by `citadel-iac models lock`. */
export const weightsSchema = z.strictObject({
  from: from.describe(
    'hf://ORGANISATION/NAME@REVISION of the Hugging Face hub, https://HOST/FOLDER/, or dir:/FOLDER on the host',
  ),
  include: z
    .array(pattern)
    .min(1)
    .optional()
    .describe(
      'Files to take: paths, * and ? also stand for "/" (default: all; of https:// each by its name)',
    ),
  exclude: z.array(pattern).min(1).optional().describe('Files to leave out of those (default: none)'),
  token: secretName
    .optional()
    .describe('Name of the secret that opens the source (default: it is open to all)'),
  maxMiBPerSec: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('What the host may fetch each second, in MiB (default: no limit)'),
});

/** Where files of `hf://` are asked for. */
export const hubEndpoint = z
  .url({ protocol: /^https?$/ })
  .refine((text) => !/[@?#]/.test(text), 'has a password, a query or a fragment')
  .transform((text) => text.replace(/\/+$/, ''));

export type WeightsInventory = z.infer<typeof weightsSchema>;
