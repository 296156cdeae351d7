import type { DataValue } from '../../../render/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { hasSecretFiles, type AlertmanagerVersion, type Notification } from './notification.js';

/** Where secrets stand on the host: one file each, which Alertmanager reads whenever it sends. */
export const SECRETS_DIRECTORY = '/etc/prometheus/alertmanager-secrets';
/** Texts of messages: `templates/dev-ops` has the file. */
export const MESSAGES = '/etc/prometheus/alertmanager-templates/citadel.tmpl';

export function secretPath(secret: SecretRef): string {
  return `${SECRETS_DIRECTORY}/${secret.name}`;
}

const KEYS: Readonly<Record<Notification['kind'], string>> = {
  webhook: 'webhook_configs',
  email: 'email_configs',
  slack: 'slack_configs',
  pagerduty: 'pagerduty_configs',
  teams: 'msteamsv2_configs',
  telegram: 'telegram_configs',
  discord: 'discord_configs',
};

/** `webhook_configs`, `slack_configs` … of one receiver. */
export function notificationConfigs(
  notifications: readonly Notification[],
  version: AlertmanagerVersion,
): Record<string, DataValue> {
  const byKind = Object.entries(KEYS).flatMap(([kind, key]): [string, DataValue][] => {
    const own = notifications.filter((notification) => notification.kind === kind);
    return own.length === 0 ? [] : [[key, own.map((each) => notificationConfig(each, version))]];
  });
  return Object.fromEntries(byKind);
}

/** Secrets that a notification needs, and whether each has a file of its own; the others stand in `alertmanager.yml`. */
export function secretsIn(
  notification: Notification,
  version: AlertmanagerVersion,
): { readonly secret: SecretRef; readonly inFile: boolean }[] {
  const own = hasSecretFiles(notification.kind, version);
  switch (notification.kind) {
    case 'webhook': {
      const { url, bearerToken } = notification;
      return [
        ...(typeof url === 'string' ? [] : [{ secret: url, inFile: own }]),
        ...(bearerToken === undefined ? [] : [{ secret: bearerToken, inFile: true }]),
      ];
    }
    case 'email':
      return notification.password === undefined ? [] : [{ secret: notification.password, inFile: own }];
    case 'slack':
      return [{ secret: notification.apiUrl, inFile: own }];
    case 'pagerduty':
      return [{ secret: notification.routingKey, inFile: own }];
    case 'telegram':
      return [{ secret: notification.botToken, inFile: own }];
    case 'teams':
    case 'discord':
      return [{ secret: notification.webhookUrl, inFile: own }];
  }
}

/** `bot_token_file: PATH` where the release can, else `bot_token` with the secret in it. */
function secretField(
  name: string,
  secret: SecretRef,
  kind: Notification['kind'],
  version: AlertmanagerVersion,
): Record<string, DataValue> {
  return hasSecretFiles(kind, version)
    ? { [`${name}_file`]: secretPath(secret) }
    : { [name]: secret.toString() };
}

const TITLE = '{{ template "citadel.title" . }}';
const template = (name: string): string => `{{ template "citadel.${name}" . }}`;

function notificationConfig(notification: Notification, version: AlertmanagerVersion): DataValue {
  const secret = (name: string, value: SecretRef) => secretField(name, value, notification.kind, version);
  switch (notification.kind) {
    case 'webhook': {
      const { url, bearerToken, sendResolved = true } = notification;
      return {
        ...(typeof url === 'string' ? { url } : secret('url', url)),
        send_resolved: sendResolved,
        ...(bearerToken !== undefined && {
          http_config: { authorization: { type: 'Bearer', credentials_file: secretPath(bearerToken) } },
        }),
      };
    }
    case 'email': {
      const { to, from, smarthost, username, password, requireTls } = notification;
      return {
        to,
        from,
        smarthost,
        ...(username !== undefined && { auth_username: username }),
        ...(password !== undefined && secret('auth_password', password)),
        ...(requireTls === false && { require_tls: false }),
        headers: { Subject: TITLE },
        html: template('email.html'),
        text: template('text'),
        send_resolved: true,
      };
    }
    case 'slack':
      return {
        ...secret('api_url', notification.apiUrl),
        channel: notification.channel,
        title: TITLE,
        title_link: template('link.runbook'),
        fallback: TITLE,
        text: template('slack.text'),
        color: template('slack.color'),
        send_resolved: true,
      };
    case 'pagerduty':
      return pagerduty(notification, secret('routing_key', notification.routingKey));
    case 'teams':
      return { ...secret('webhook_url', notification.webhookUrl), ...markdown };
    case 'discord': {
      const { text: message, ...rest } = markdown;
      return { ...secret('webhook_url', notification.webhookUrl), ...rest, message };
    }
    case 'telegram':
      return {
        ...secret('bot_token', notification.botToken),
        chat_id: notification.chatId,
        ...(notification.apiUrl !== undefined && { api_url: notification.apiUrl }),
        parse_mode: 'HTML',
        message: template('telegram'),
        send_resolved: true,
      };
  }
}

const markdown = { title: TITLE, text: template('markdown'), send_resolved: true };

function pagerduty(
  { url }: Extract<Notification, { kind: 'pagerduty' }>,
  key: Record<string, DataValue>,
): DataValue {
  return {
    ...key,
    ...(url !== undefined && { url }),
    description: TITLE,
    severity: template('severity'),
    class: '{{ .CommonLabels.alertname }}',
    component: '{{ .CommonLabels.host }}',
    group: '{{ .CommonLabels.model }}',
    client: 'Alertmanager',
    client_url: '{{ .ExternalURL }}',
    details: { firing: template('text'), resolved: '{{ len .Alerts.Resolved }}' },
    links: [
      { href: template('link.runbook'), text: 'Runbook' },
      { href: template('link.graph'), text: 'Graph' },
      { href: template('link.silence'), text: 'Silence' },
    ],
    send_resolved: true,
  };
}
