import { z } from 'zod';
import { secretName } from '../../../manifest/index.js';

/** A value that may stand in the unit's file, or the name of a secret, which never does. */
const value = z.union(
  [
    z.string().regex(/^[^\0\n\r]*$/, 'is not one line of text'),
    z.number(),
    z.strictObject({ secret: secretName.describe('Name of the secret that is the value') }),
  ],
  { error: 'is neither one line of text, nor a number, nor { secret: NAME }' },
);

/** Environment variables of a model server. */
export const environmentSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,126}$/, 'is not the name of an environment variable'),
  value,
);

export type EnvironmentInventory = z.infer<typeof environmentSchema>;
