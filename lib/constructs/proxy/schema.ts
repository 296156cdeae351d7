import { z } from 'zod';
import { secretName } from '../../manifest/index.js';

const path = z
  .string()
  .regex(
    /^(\/[A-Za-z0-9_~-][A-Za-z0-9_~.-]*)+\/?$/,
    'is not a path such as /v1/ (all below it) or /tokenize (that one)',
  );

export const proxyKeyName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'is not a name of a key: a-z, 0-9 and "-", starting with a letter');

/** What inventories say of any proxy before models. */
export const proxyKeys = {
  paths: z
    .array(path)
    .default(['/v1/'])
    .describe('Paths that are passed, besides /health; one that ends in "/" means all below it'),
  tls: z
    .strictObject({
      certificate: secretName.describe('Name of the secret with the certificate and its chain, as PEM'),
      key: secretName.describe('Name of the secret with its private key, as PEM'),
    })
    .optional()
    .describe('Certificate of the host’s address (default: plain HTTP)'),
  maxBodyMiB: z.number().int().min(1).max(1024).default(64).describe('Size that a request may have, in MiB'),
  idleTimeoutSec: z
    .number()
    .int()
    .min(10)
    .max(86_400)
    .default(600)
    .describe(
      'Seconds in which nothing may come of an answer, or of a place in the queue, before it is given up',
    ),
  maxQueued: z
    .number()
    .int()
    .min(1)
    .max(4096)
    .default(512)
    .describe('Requests that may wait for each model; the next is answered with 429'),
};

export const maxRequests = (what: string) => z.number().int().min(1).max(4096).default(512).describe(what);
