import type { DataValue } from '../../../render/index.js';
import type { SecretRef } from '../../secret.js';
import {
  notificationsOf,
  type Inhibition,
  type Notification,
  type Receivers,
  type Route,
  type TimeWindow,
} from './routing.js';

export interface AlertmanagerConfiguration {
  readonly receivers: Receivers;
  readonly route: Route;
  readonly inhibitions: readonly Inhibition[];
  readonly timeWindows: Readonly<Record<string, TimeWindow>>;
}

/** Where secrets stand on the host: one file each, which Alertmanager reads whenever it sends. */
export const SECRETS_DIRECTORY = '/etc/prometheus/alertmanager-secrets';

export function secretPath(secret: SecretRef): string {
  return `${SECRETS_DIRECTORY}/${secret.name}`;
}

/** Secrets that notifications need, by name, each once. */
export function secretsOf(receivers: Receivers): SecretRef[] {
  const all = Object.keys(receivers).flatMap((name) => notificationsOf(receivers, name).flatMap(secretOf));
  return [...new Map(all.map((secret) => [secret.name, secret])).values()].sort((a, b) =>
    a.name < b.name ? -1 : 1,
  );
}

function secretOf(notification: Notification): SecretRef[] {
  switch (notification.kind) {
    case 'webhook':
      return notification.bearerToken === undefined ? [] : [notification.bearerToken];
    case 'email':
      return notification.password === undefined ? [] : [notification.password];
    case 'slack':
      return [notification.apiUrl];
    case 'pagerduty':
      return [notification.routingKey];
  }
}

/** `alertmanager.yml`, in terms that Alertmanager 0.25 (Debian 12) and later read. */
export function alertmanagerConfiguration(configuration: AlertmanagerConfiguration): DataValue {
  const { receivers, route, inhibitions, timeWindows } = configuration;
  const windows = Object.entries(timeWindows).sort(byName);
  return {
    route: routeConfig(route),
    ...(inhibitions.length > 0 && {
      inhibit_rules: inhibitions.map(({ source, target, equal }) => ({
        source_matchers: [...source],
        target_matchers: [...target],
        equal: [...equal],
      })),
    }),
    ...(windows.length > 0 && {
      time_intervals: windows.map(([name, window]) => ({ name, time_intervals: [windowConfig(window)] })),
    }),
    receivers: Object.entries(receivers)
      .sort(byName)
      .map(([name]) => receiverConfig(name, notificationsOf(receivers, name))),
  };
}

function routeConfig(route: Route): DataValue {
  const { receiver, matchers = [], groupBy, groupWait, groupInterval, repeatInterval, routes = [] } = route;
  return {
    receiver,
    ...(matchers.length > 0 && { matchers: [...matchers] }),
    ...(groupBy !== undefined && { group_by: [...groupBy] }),
    ...(groupWait !== undefined && { group_wait: groupWait.toString() }),
    ...(groupInterval !== undefined && { group_interval: groupInterval.toString() }),
    ...(repeatInterval !== undefined && { repeat_interval: repeatInterval.toString() }),
    ...(route.muteIn !== undefined && { mute_time_intervals: [...route.muteIn] }),
    ...(route.onlyIn !== undefined && { active_time_intervals: [...route.onlyIn] }),
    ...(route.continue === true && { continue: true }),
    ...(routes.length > 0 && { routes: routes.map(routeConfig) }),
  };
}

function windowConfig({ weekdays, times, timeZone }: TimeWindow): DataValue {
  return {
    ...(weekdays !== undefined && { weekdays: [...weekdays] }),
    ...(times !== undefined && {
      times: times.map(({ from, to }) => ({ start_time: from, end_time: to })),
    }),
    ...(timeZone !== undefined && { location: timeZone }),
  };
}

const KINDS = ['webhook', 'email', 'slack', 'pagerduty'] as const;

function receiverConfig(name: string, notifications: readonly Notification[]): DataValue {
  const byKind = KINDS.flatMap((kind): [string, DataValue][] => {
    const own = notifications.filter((notification) => notification.kind === kind);
    return own.length === 0 ? [] : [[`${kind}_configs`, own.map(notificationConfig)]];
  });
  return { name, ...Object.fromEntries(byKind) };
}

function notificationConfig(notification: Notification): DataValue {
  switch (notification.kind) {
    case 'webhook':
      return {
        url: notification.url,
        send_resolved: true,
        ...(notification.bearerToken !== undefined && {
          http_config: {
            authorization: { type: 'Bearer', credentials_file: secretPath(notification.bearerToken) },
          },
        }),
      };
    case 'email':
      return {
        to: notification.to,
        from: notification.from,
        smarthost: notification.smarthost,
        ...(notification.username !== undefined && { auth_username: notification.username }),
        ...(notification.password !== undefined && {
          auth_password_file: secretPath(notification.password),
        }),
        ...(notification.requireTls === false && { require_tls: false }),
        send_resolved: true,
      };
    case 'slack':
      return {
        api_url_file: secretPath(notification.apiUrl),
        channel: notification.channel,
        send_resolved: true,
      };
    case 'pagerduty':
      return { routing_key_file: secretPath(notification.routingKey), send_resolved: true };
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1;
}
