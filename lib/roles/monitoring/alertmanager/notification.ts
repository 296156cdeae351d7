import type { SecretRef } from '../../../constructs/secret.js';

/** Alertmanager's releases that Debian has: 12 has 0.25, 13 has 0.28. */
export const ALERTMANAGER_VERSIONS = ['0.25', '0.28'] as const;
/** Assumed where nothing is said. */
export const OLDEST = '0.25';
export type AlertmanagerVersion = (typeof ALERTMANAGER_VERSIONS)[number];

/** One way of telling someone. */
export type Notification =
  | {
      readonly kind: 'webhook';
      /** A secret where whoever knows the address can write to it. */
      readonly url: string | SecretRef;
      /** Sent as a bearer token. @default - none */
      readonly bearerToken?: SecretRef;
      /** Whether the end of an alert is told as well. @default true */
      readonly sendResolved?: boolean;
    }
  | {
      readonly kind: 'email';
      readonly to: string;
      readonly from: string;
      /** `host:port` of the mail server. */
      readonly smarthost: string;
      readonly username?: string;
      readonly password?: SecretRef;
      /** @default true */
      readonly requireTls?: boolean;
    }
  | {
      readonly kind: 'slack';
      /** The incoming webhook's address: who has it can write to the channel. */
      readonly apiUrl: SecretRef;
      readonly channel: string;
    }
  | {
      readonly kind: 'pagerduty';
      /** Key of an Events API v2 integration. */
      readonly routingKey: SecretRef;
      /** Another address of the Events API. @default - PagerDuty's own, in the US */
      readonly url?: string;
    }
  | {
      readonly kind: 'teams';
      /** Address of a Teams workflow "when a webhook request is received". Alertmanager 0.28 and later. */
      readonly webhookUrl: SecretRef;
    }
  | {
      readonly kind: 'telegram';
      readonly botToken: SecretRef;
      /** Number of the chat; negative for groups. */
      readonly chatId: number;
      /** Another address of the Bot API. @default 'https://api.telegram.org' */
      readonly apiUrl?: string;
    }
  | {
      readonly kind: 'discord';
      /** Address of a channel's webhook. */
      readonly webhookUrl: SecretRef;
    };

/** Kinds that the oldest release lacks, with the first of Debian's that has each. */
export const NEEDS: Readonly<Partial<Record<Notification['kind'], AlertmanagerVersion>>> = { teams: '0.28' };

/** Whether a release reads a secret from a file of its own in every kind; 0.25 does so in some only. */
export function hasSecretFiles(kind: Notification['kind'], version: AlertmanagerVersion): boolean {
  return version !== '0.25' || kind === 'slack' || kind === 'pagerduty' || kind === 'email';
}
