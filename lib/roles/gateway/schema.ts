import { z } from 'zod';
import { maxRequests, proxyKeyName, proxyKeys } from '../../constructs/proxy/index.js';
import { tcpPort } from '../../inventory/index.js';
import { secretName } from '../../manifest/index.js';

const modelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'is not a model name: a-z, 0-9 and "-", starting with a letter');

const keySchema = z.strictObject({
  secret: secretName.describe('Name of the secret that clients present'),
  requestsPerMinute: z
    .number()
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe(
      'Requests in any minute, of all models together; more are answered with 429 (default: any number)',
    ),
  concurrent: z
    .number()
    .int()
    .min(1)
    .max(8000)
    .optional()
    .describe(
      'Requests at the same time, of all models together; more are answered with 429 (default: any number)',
    ),
});

/** What two gateways or more have together. */
const sharedSchema = z.strictObject({
  address: z
    .union([z.ipv4(), z.ipv6()], { error: 'is not an IP address' })
    .describe('IP address that one of the gateways has at a time; clients use it'),
  interface: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/, 'is not the name of a network interface, such as eth0')
    .describe('Network interface of this host that takes the address'),
  router: z
    .number()
    .int()
    .min(1)
    .max(255)
    .default(51)
    .describe('VRRP’s number of the group: no other group of the network may have it'),
});

/** A gateway: one address and one key for models that several nodes serve. */
export const gatewaySchema = z.strictObject({
  models: z
    .union(
      [
        z.array(modelName).min(1),
        z.record(
          modelName,
          z.strictObject({
            port: tcpPort(
              'TCP port of the model at the gateway (default: the one that its nodes have)',
            ).optional(),
          }),
        ),
      ],
      { error: 'is neither a list of models nor a map of them' },
    )
    .optional()
    .describe(
      'Models that it serves: their names, or a map of them (default: all that an AI node starts at boot)',
    ),
  keys: z
    .record(proxyKeyName, keySchema)
    .default({})
    .describe('Who may ask, by the name that the access log shows. With one, every request needs a key'),
  upstreamKey: secretName
    .optional()
    .describe('Name of the secret with the key that nodes are asked with: one of their ai.lan.keys'),
  upstreamCa: secretName
    .optional()
    .describe(
      'Name of the secret with the authority of the nodes’ certificates, as PEM; needed where nodes have ai.lan.tls',
    ),
  shared: sharedSchema
    .optional()
    .describe('An address that goes from one gateway to another when one fails, by keepalived'),
  ...proxyKeys,
  maxRequests: maxRequests('Requests of each model that a node is given at once; others wait in a queue'),
});

export type GatewayInventory = z.infer<typeof gatewaySchema>;
