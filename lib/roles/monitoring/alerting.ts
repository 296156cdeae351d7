import type { HostOs } from '../../constructs/host/index.js';
import type { AlertmanagerServerProps, Notification, Receivers, Route } from './index.js';
import { DEAD_MANS_SWITCH, usualRouting } from './usual-routing.js';
import { secret } from '../../constructs/secret.js';
import { Duration } from '../../constructs/units.js';
import type { MonitoringInventory } from './schema/monitoring.js';

type Alerting = MonitoringInventory['alertmanager'];
type NotificationInventory = Alerting['receivers'][string][number];
type WebhookInventory = NonNullable<NotificationInventory['webhook']>;

const OPERATORS = 'operators';

/** Who is told what, from the inventory's words. @param os of the host, whose Alertmanager it is unless the inventory says another */
export function alertRouting(
  alerting: Alerting,
  os?: HostOs,
): Pick<AlertmanagerServerProps, 'receivers' | 'route' | 'timeWindows' | 'version'> {
  const root = rootReceiver(alerting);
  const usual = isUsual(alerting) ? usualRouting(root, alerting.workingHours) : undefined;
  const receivers: Receivers = {
    ...Object.fromEntries(
      Object.entries(alerting.receivers).map(([name, list]) => [name, list.map(notification)]),
    ),
    ...shorthand(alerting),
    ...usual?.receivers,
    [DEAD_MANS_SWITCH]:
      alerting.deadMansSwitch === undefined
        ? []
        : // The end of a sign of life is none.
          [{ ...webhook(alerting.deadMansSwitch), sendResolved: false }],
  };
  return {
    receivers,
    route: {
      receiver: root,
      routes: [watchdogRoute(), ...(usual?.routes ?? alerting.routes.map(route))],
    },
    timeWindows: { ...usual?.timeWindows, ...alerting.timeWindows },
    version: alerting.version ?? (os === 'debian-13' ? '0.28' : '0.25'),
  };
}

function rootReceiver({ receiver, receivers, webhook: url }: Alerting): string {
  const [only, ...others] = Object.keys(receivers);
  if (receiver !== undefined || only === undefined || others.length > 0 || url !== undefined)
    return receiver ?? OPERATORS;
  return only;
}

/** Someone is told, and no routes say of what and when. */
export function isUsual({ routes, receivers, webhook: url }: Alerting): boolean {
  return routes.length === 0 && (url !== undefined || Object.keys(receivers).length > 0);
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

function webhook({
  url,
  urlSecret,
  bearerToken,
}: WebhookInventory): Extract<Notification, { kind: 'webhook' }> {
  return {
    kind: 'webhook',
    // The schema lets exactly one of the two through.
    url: urlSecret === undefined ? (url ?? '') : secret(urlSecret),
    ...(bearerToken !== undefined && { bearerToken: secret(bearerToken) }),
  };
}

function notification(entry: NotificationInventory): Notification {
  const { slack, pagerduty, email, teams, telegram, discord } = entry;
  if (slack !== undefined) return { kind: 'slack', apiUrl: secret(slack.apiUrl), channel: slack.channel };
  if (pagerduty !== undefined) {
    const { routingKey, url } = pagerduty;
    return { kind: 'pagerduty', routingKey: secret(routingKey), ...(url !== undefined && { url }) };
  }
  if (teams !== undefined) return { kind: 'teams', webhookUrl: secret(teams.webhookUrl) };
  if (discord !== undefined) return { kind: 'discord', webhookUrl: secret(discord.webhookUrl) };
  if (telegram !== undefined) {
    const { botToken, chatId, apiUrl } = telegram;
    return { kind: 'telegram', botToken: secret(botToken), chatId, ...(apiUrl !== undefined && { apiUrl }) };
  }
  if (email !== undefined) {
    const { username, password, ...rest } = email;
    return {
      kind: 'email',
      ...rest,
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password: secret(password) }),
    };
  }
  // The schema lets exactly one of all kinds through.
  return webhook(entry.webhook as WebhookInventory);
}
