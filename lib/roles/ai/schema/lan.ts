import { z } from 'zod';
import { maxRequests, proxyKeyName, proxyKeys } from '../../../constructs/proxy/index.js';
import { secretName } from '../../../manifest/index.js';

const keyName = proxyKeyName.refine((name) => name !== 'own', 'is what the model’s own key is called');

/** The proxy between the network and the models. */
export const lanSchema = z.strictObject({
  ...proxyKeys,
  keys: z
    .record(keyName, secretName)
    .default({})
    .describe(
      'Keys that open every model, by the name that the access log shows: names of secrets. With one, every request needs a key',
    ),
  maxRequests: maxRequests('Requests that each model is given at once; others wait in a queue'),
});

export type LanInventory = z.infer<typeof lanSchema>;
