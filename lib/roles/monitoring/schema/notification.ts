import { z } from 'zod';
import { secretName } from '../../../manifest/index.js';

export const words = z.string().min(1).max(500);
export const webAddress = z.url({ protocol: /^https?$/ });

/** Where a program is told, in clear or as a secret. */
const address = {
  url: webAddress.optional().describe('Address that alerts are posted to, as JSON'),
  urlSecret: secretName
    .optional()
    .describe('In its place: name of the secret that is the address, where whoever knows it can write to it'),
  bearerToken: secretName.optional().describe('Name of the secret that is sent as bearer token'),
};

const oneAddress = (value: { url?: unknown; urlSecret?: unknown }): boolean =>
  (value.url === undefined) !== (value.urlSecret === undefined);
const ONE_ADDRESS = 'needs exactly one of "url" and "urlSecret"';

const webhook = z.strictObject(address).refine(oneAddress, ONE_ADDRESS);

export const deadMansSwitch = z.strictObject(address).refine(oneAddress, ONE_ADDRESS);

const KINDS = {
  webhook: webhook.describe('Tells a program, by HTTP'),
  email: z
    .strictObject({
      to: words.describe('Recipients, separated by commas'),
      from: words.describe('Sender'),
      smarthost: z
        .string()
        .regex(/^[^\s:]+:\d{1,5}$/, 'is not host:port')
        .describe('Mail server, host:port'),
      username: words.optional().describe('Account at the mail server (default: none)'),
      password: secretName.optional().describe('Name of the secret'),
      requireTls: z.boolean().default(true).describe('Whether mail is sent over TLS only'),
    })
    .describe('Tells people by mail'),
  slack: z
    .strictObject({
      apiUrl: secretName.describe('Name of the secret that is the incoming webhook’s address'),
      channel: words.describe('Channel that is written to, such as #alerts'),
    })
    .describe('Tells a channel of Slack'),
  pagerduty: z
    .strictObject({
      routingKey: secretName.describe('Name of the secret: key of an Events API v2 integration'),
      url: webAddress
        .optional()
        .describe('Address of the Events API (default: https://events.pagerduty.com/v2/enqueue)'),
    })
    .describe('Tells a service of PagerDuty'),
  teams: z
    .strictObject({
      webhookUrl: secretName.describe(
        'Name of the secret that is the address of a workflow “when a Teams webhook request is received”',
      ),
    })
    .describe('Tells a channel of Microsoft Teams; needs Alertmanager 0.28 (Debian 13)'),
  telegram: z
    .strictObject({
      botToken: secretName.describe('Name of the secret: token of the bot'),
      chatId: z.number().int().describe('Number of the chat; negative for groups'),
      apiUrl: webAddress.optional().describe('Address of the Bot API (default: https://api.telegram.org)'),
    })
    .describe('Tells a chat of Telegram'),
  discord: z
    .strictObject({
      webhookUrl: secretName.describe('Name of the secret that is the address of the channel’s webhook'),
    })
    .describe('Tells a channel of Discord'),
};

export const notification = z
  .strictObject(KINDS)
  .partial()
  .refine(
    (value) => Object.keys(value).length === 1,
    `is not exactly one of ${Object.keys(KINDS).join(', ')}`,
  );
