import type {
  AlertmanagerServerProps,
  Notification,
  Receivers,
  Route,
} from '../lib/constructs/monitoring/index.js';
import { secret } from '../lib/constructs/secret.js';
import { Duration } from '../lib/constructs/units.js';
import type { MonitoringInventory } from '../lib/inventory/index.js';

type Alerting = MonitoringInventory['alertmanager'];
type NotificationInventory = Alerting['receivers'][string][number];

const OPERATORS = 'operators';
const DEAD_MANS_SWITCH = 'dead-mans-switch';

/** Who is told what, from the inventory's words. */
export function alertRouting(
  alerting: Alerting,
): Pick<AlertmanagerServerProps, 'receivers' | 'route' | 'timeWindows'> {
  const receivers: Receivers = {
    ...Object.fromEntries(
      Object.entries(alerting.receivers).map(([name, list]) => [name, list.map(notification)]),
    ),
    ...shorthand(alerting),
    [DEAD_MANS_SWITCH]: alerting.deadMansSwitch === undefined ? [] : [webhook(alerting.deadMansSwitch)],
  };
  return {
    receivers,
    route: {
      receiver: alerting.receiver ?? OPERATORS,
      routes: [watchdogRoute(), ...alerting.routes.map(route)],
    },
    timeWindows: alerting.timeWindows,
  };
}

/** Without receivers alerts are only shown in Alertmanager's own pages. */
function shorthand({ receivers, webhook: url }: Alerting): Receivers {
  if (url !== undefined) return { [OPERATORS]: [{ kind: 'webhook', url }] };
  return Object.keys(receivers).length === 0 ? { [OPERATORS]: 'silent' } : {};
}

/** The alert that always fires never reaches people; its silence alarms whoever listens outside. */
function watchdogRoute(): Route {
  return {
    matchers: ['alertname="Watchdog"'],
    receiver: DEAD_MANS_SWITCH,
    groupWait: Duration.seconds(0),
    groupInterval: Duration.minutes(1),
    repeatInterval: Duration.minutes(1),
  };
}

function route(entry: Alerting['routes'][number]): Route {
  const { groupWaitSec, groupIntervalSec, repeatIntervalSec } = entry;
  return {
    receiver: entry.receiver,
    matchers: entry.match,
    ...(entry.groupBy !== undefined && { groupBy: entry.groupBy }),
    ...(groupWaitSec !== undefined && { groupWait: Duration.seconds(groupWaitSec) }),
    ...(groupIntervalSec !== undefined && { groupInterval: Duration.seconds(groupIntervalSec) }),
    ...(repeatIntervalSec !== undefined && { repeatInterval: Duration.seconds(repeatIntervalSec) }),
    ...(entry.muteIn !== undefined && { muteIn: entry.muteIn }),
    ...(entry.onlyIn !== undefined && { onlyIn: entry.onlyIn }),
    continue: entry.continue,
  };
}

function webhook({ url, bearerToken }: { url: string; bearerToken?: string | undefined }): Notification {
  return { kind: 'webhook', url, ...(bearerToken !== undefined && { bearerToken: secret(bearerToken) }) };
}

function notification(entry: NotificationInventory): Notification {
  if (entry.slack !== undefined) {
    return { kind: 'slack', apiUrl: secret(entry.slack.apiUrl), channel: entry.slack.channel };
  }
  if (entry.pagerduty !== undefined) {
    return { kind: 'pagerduty', routingKey: secret(entry.pagerduty.routingKey) };
  }
  if (entry.email !== undefined) {
    const { username, password, ...rest } = entry.email;
    return {
      kind: 'email',
      ...rest,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: secret(password) }),
    };
  }
  // The schema lets exactly one of the four through.
  return webhook(entry.webhook as NonNullable<NotificationInventory['webhook']>);
}
