import type { DataValue } from '../../../render/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { by, byKey } from '../../../text/order.js';
import { notificationsOf, type Inhibition, type Receivers, type Route, type TimeWindow } from './routing.js';
import { MESSAGES, notificationConfigs, secretsIn } from './messages.js';
import { OLDEST, type AlertmanagerVersion, type Notification } from './notification.js';

export interface AlertmanagerConfiguration {
  readonly receivers: Receivers;
  readonly route: Route;
  readonly inhibitions: readonly Inhibition[];
  readonly timeWindows: Readonly<Record<string, TimeWindow>>;
  /** @default '0.25' */
  readonly version?: AlertmanagerVersion;
}

/** Secrets that have a file each, by name, each once. */
export function secretFilesOf({ receivers, version = OLDEST }: AlertmanagerConfiguration): SecretRef[] {
  const all = notifications(receivers).flatMap((each) =>
    secretsIn(each, version).flatMap(({ secret, inFile }) => (inFile ? [secret] : [])),
  );
  return [...new Map(all.map((secret) => [secret.name, secret])).values()].sort(by(({ name }) => name));
}

/** Whether `alertmanager.yml` itself holds a secret, because the release cannot read it from a file. */
export function holdsSecrets({ receivers, version = OLDEST }: AlertmanagerConfiguration): boolean {
  return notifications(receivers).some((each) => secretsIn(each, version).some(({ inFile }) => !inFile));
}

function notifications(receivers: Receivers): Notification[] {
  return Object.keys(receivers).flatMap((name) => notificationsOf(receivers, name));
}

/** `alertmanager.yml`, in terms that Alertmanager 0.25 (Debian 12) and later read. */
export function alertmanagerConfiguration(configuration: AlertmanagerConfiguration): DataValue {
  const { receivers, route, inhibitions, timeWindows, version = OLDEST } = configuration;
  const windows = Object.entries(timeWindows).sort(byKey);
  return {
    templates: [MESSAGES],
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
      .sort(byKey)
      .map(([name]) => ({ name, ...notificationConfigs(notificationsOf(receivers, name), version) })),
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
