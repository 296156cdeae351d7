import type { OwnProblem } from '../../../constructs/host/index.js';
import type { AlertmanagerConfiguration } from './configuration.js';
import { Reach, TooManyWays, type Lost, type RoutedAlert } from './reach.js';
import { describeRoute, notificationsOf, type Route } from './routing.js';
import { momentText } from './time-windows.js';

/** An alert of the tree. */
export interface KnownAlert {
  readonly alert: string;
  /** Its own labels, the severity among them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Ways in which one alert is lost that are said: where a tree loses it in many, they have one reason. */
const MOST_OF_AN_ALERT = 3;

/** The one that always fires, for machines: it is here also where the catalogue is not. */
const WATCHDOG = 'Watchdog';

/**
 * Alerts for which no notification would be sent. Held against it are the alerts of the tree, and a critical one that no one here knows: from
 * a rule file, or from another Prometheus. One for machines (severity `none`) may go nowhere. Where no receiver can be told
 * of anything at all, alerts are only shown, and `doctor` says so.
 */
export function reachProblems(
  configuration: AlertmanagerConfiguration,
  alerts: readonly KnownAlert[],
): OwnProblem[] {
  const { receivers } = configuration;
  if (Object.keys(receivers).every((name) => notificationsOf(receivers, name).length === 0)) return [];
  const reach = new Reach(configuration);
  const bySet = new Map<string, Lost[]>();
  try {
    for (const alert of routedAlerts(alerts)) {
      let count = 0;
      for (const lost of reach.lost(alert)) {
        if (++count > MOST_OF_AN_ALERT) break;
        const key = lost.routes
          .map(({ receiver, matchers }) => `${receiver} ${describeRoute(matchers)}`)
          .join('; ');
        bySet.set(key, [...(bySet.get(key) ?? []), lost]);
      }
    }
  } catch (error) {
    if (!(error instanceof TooManyWays)) throw error;
    return [
      {
        code: 'construct.alertmanager.too-many-ways',
        property: 'route',
        got: 'there are too many ways through the routes to find out whether a notification is sent for every alert',
        fix: 'Let fewer routes continue, or match by fewer different labels',
      },
    ];
  }
  return [...bySet.values()].map((lost) => problemOf(lost, reach, configuration));
}

/** Those that routes can tell apart, critical ones first. */
function routedAlerts(alerts: readonly KnownAlert[]): RoutedAlert[] {
  const known = alerts
    .filter(({ labels }) => labels['severity'] !== 'none')
    .map(({ alert, labels }): RoutedAlert => {
      // A label that is filled in when the alert fires may be anything.
      const fixed = Object.entries(labels).filter(([, value]) => !value.includes('{{'));
      return { severity: labels['severity'] ?? '', labels: new Map([...fixed, ['alertname', alert]]) };
    });
  const names = new Set(['', WATCHDOG, ...alerts.map(({ alert }) => alert)]);
  const stranger: RoutedAlert = {
    severity: 'critical',
    labels: new Map([['severity', 'critical']]),
    not: new Map([['alertname', names]]),
  };
  const urgent = ({ severity }: RoutedAlert): number => (severity === 'critical' ? 0 : 1);
  return [...known.sort((a, b) => urgent(a) - urgent(b)), stranger];
}

function problemOf(all: readonly Lost[], reach: Reach, configuration: AlertmanagerConfiguration): OwnProblem {
  const [first] = all as [Lost, ...Lost[]];
  const others = new Set(all.map(({ alert }) => nameOf(alert))).size - 1;
  const more = others === 0 ? '' : `, and ${others} more ${others === 1 ? 'alert' : 'alerts'}`;
  const zone = first.routes.flatMap((route) => reach.zoneOf(route) ?? [])[0] ?? 'UTC';
  const when = first.moment === undefined ? 'at any time' : `on ${momentText(first.moment, zone)}`;
  const why = first.routes.map((route) => reasonOf(first, route, reach, configuration)).join('; ');
  return {
    code: 'construct.alertmanager.no-notification',
    property: 'route',
    got: `${nameOf(first.alert)}${assumedText(first)}${more}: no notification is sent ${when}. ${why}`,
    fix: fixOf(first, configuration),
  };
}

function nameOf({ labels, severity }: RoutedAlert): string {
  const name = labels.get('alertname');
  return name === undefined ? `an alert of another origin (${severity})` : `${name} (${severity})`;
}

function assumedText({ assumed }: Lost): string {
  return assumed.length === 0 ? '' : ` with ${assumed.join(', ')}`;
}

function reasonOf(
  { moment }: Lost,
  route: Route,
  reach: Reach,
  { receivers }: AlertmanagerConfiguration,
): string {
  const { receiver, matchers, muteIn = [], onlyIn = [] } = route;
  const where = `The route ${describeRoute(matchers)} takes it to "${receiver}"`;
  if (notificationsOf(receivers, receiver).length === 0) return `${where}, which has no notification`;
  if (moment === undefined) {
    const windows = [
      ...(onlyIn.length === 0 ? [] : [`only in ${onlyIn.join(', ')}`]),
      ...(muteIn.length === 0 ? [] : [`not in ${muteIn.join(', ')}`]),
    ];
    return `${where}, which is told ${windows.join(' and ')}`;
  }
  const { muted, outside } = reach.muting(route, moment);
  return outside
    ? `${where}, which is told only in ${onlyIn.join(', ')}`
    : `${where}, which is not told in ${muted.join(', ')}`;
}

function fixOf({ routes, alert }: Lost, { receivers }: AlertmanagerConfiguration): string {
  const empty = routes.find(({ receiver }) => notificationsOf(receivers, receiver).length === 0);
  if (empty !== undefined)
    return `Give the receiver "${empty.receiver}" a notification, or declare it as 'silent' if what goes there is to reach no person`;
  const wait =
    alert.severity === 'critical'
      ? ''
      : '; or, if it may wait, name the times in which nothing is sent with muteIn';
  return `Add a last route without matchers next to it whose receiver is told at all times, and let this one continue (continue: true): once a route matches, the receiver of the route above it is not asked, whatever the time${wait}`;
}
