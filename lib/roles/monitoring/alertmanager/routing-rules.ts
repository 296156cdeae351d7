import type { OwnProblem } from '../../../constructs/host/index.js';
import type { AlertmanagerConfiguration } from './configuration.js';
import { parseMatcher } from './matcher.js';
import { reachProblems, type KnownAlert } from './reach-rules.js';
import { NEEDS, OLDEST, type Notification } from './notification.js';
import { allRoutes, describeRoute, notificationsOf } from './routing.js';
import { readWindow } from './time-windows.js';

/**
 * What Alertmanager itself would accept in silence, or refuse only on the host.
 *
 * @param alerts those that are known to come
 */
export function routingProblems(
  configuration: AlertmanagerConfiguration,
  alerts: readonly KnownAlert[],
): OwnProblem[] {
  // What is wrong with a part says more than what follows from it.
  const parts = [
    ...unknownReceivers(configuration),
    ...unknownWindows(configuration),
    ...badWindows(configuration),
    ...badMatchers(configuration),
    ...rootProblems(configuration),
  ];
  return [
    ...parts,
    ...unusedReceivers(configuration),
    ...clearSecrets(configuration),
    ...missingKinds(configuration),
    ...(parts.length > 0 ? [] : reachProblems(configuration, alerts)),
  ];
}

function unknownReceivers({ receivers, route }: AlertmanagerConfiguration): OwnProblem[] {
  const known = Object.keys(receivers).sort();
  return allRoutes(route)
    .filter(({ receiver }) => !Object.hasOwn(receivers, receiver))
    .map((each) => ({
      code: 'construct.alertmanager.no-receiver',
      property: 'route',
      got: `the route ${describeRoute(each.matchers)} goes to "${each.receiver}", and there is no such receiver (there are: ${known.join(', ') || 'none'})`,
      fix: 'Declare the receiver, or route to one that is declared',
    }));
}

function unusedReceivers({ receivers, route }: AlertmanagerConfiguration): OwnProblem[] {
  const used = new Set(allRoutes(route).map(({ receiver }) => receiver));
  return Object.keys(receivers)
    .filter((name) => !used.has(name))
    .sort()
    .map((name) => ({
      code: 'construct.alertmanager.unused-receiver',
      property: `receivers.${name}`,
      got: `no route leads to the receiver "${name}", so it will never be told anything`,
      fix: 'Add a route to it, or remove it',
    }));
}

function unknownWindows({ route, timeWindows }: AlertmanagerConfiguration): OwnProblem[] {
  return allRoutes(route).flatMap((each) =>
    [...(each.muteIn ?? []), ...(each.onlyIn ?? [])]
      .filter((name) => !Object.hasOwn(timeWindows, name))
      .map((name) => ({
        code: 'construct.alertmanager.no-window',
        property: 'route',
        got: `the route ${describeRoute(each.matchers)} names the time window "${name}", which is not declared`,
        fix: 'Declare it in timeWindows',
      })),
  );
}

function badWindows({ timeWindows }: AlertmanagerConfiguration): OwnProblem[] {
  return Object.entries(timeWindows).flatMap(([name, window]) => {
    const read = readWindow(window);
    if (typeof read !== 'string') return [];
    return {
      code: 'construct.alertmanager.window',
      property: `timeWindows.${name}`,
      got: read,
      fix: 'Give weekdays such as monday:friday, times such as 08:00 to 18:00, and a time zone such as Europe/Berlin',
    };
  });
}

function badMatchers({ route, inhibitions }: AlertmanagerConfiguration): OwnProblem[] {
  const places: [string, readonly string[]][] = [
    ...allRoutes(route).map((each): [string, readonly string[]] => ['route', each.matchers ?? []]),
    ...inhibitions.map(({ source, target }): [string, readonly string[]] => [
      'inhibitions',
      [...source, ...target],
    ]),
  ];
  return places.flatMap(([property, matchers]) =>
    matchers
      .filter((matcher) => parseMatcher(matcher) === undefined)
      .map((matcher) => ({
        code: 'construct.alertmanager.matcher',
        property,
        got: `${JSON.stringify(matcher)} is not a matcher`,
        fix: 'Write label="value", or with !=, =~ or !~ in the place of =',
      })),
  );
}

/** Addresses that are secrets in themselves: whoever reads the file could send in our name. */
const SECRET_URL =
  /^https?:\/\/(?:[^/]*@|hooks\.slack\.com\/|[^/]*\.webhook\.office\.com\/|[^/]*\.(?:logic\.azure|powerplatform)\.com[:/]|discord(?:app)?\.com\/api\/webhooks\/)/i;
const SECRET_PARAMETER = /[?&](?:token|key|api_?key|secret|sig|signature|password)=[^&]/i;

function clearSecrets({ receivers }: AlertmanagerConfiguration): OwnProblem[] {
  return Object.keys(receivers).flatMap((name) =>
    notificationsOf(receivers, name)
      .flatMap((notification) => (holdsSecret(notification) ? [notification.url] : []))
      .map((url) => ({
        code: 'construct.alertmanager.secret-in-clear',
        property: `receivers.${name}`,
        got: 'the webhook’s address holds a password, a token or a key, which would stand in the configuration in clear',
        fix: fixOf(url),
      })),
  );
}

function holdsSecret(notification: Notification): notification is Notification & { readonly url: string } {
  return (
    notification.kind === 'webhook' &&
    typeof notification.url === 'string' &&
    (SECRET_URL.test(notification.url) || SECRET_PARAMETER.test(notification.url))
  );
}

/** Messages of these services have a form of their own, which a webhook's JSON is not. */
const OWN_KIND: readonly (readonly [RegExp, string])[] = [
  [/^https?:\/\/hooks\.slack\.com\//i, 'slack'],
  [/^https?:\/\/discord(?:app)?\.com\//i, 'discord'],
  [/^https?:\/\/[^/]*\.(?:webhook\.office|logic\.azure|powerplatform)\.com[:/]/i, 'teams'],
];

function fixOf(url: string): string {
  const [, kind] = OWN_KIND.find(([address]) => address.test(url)) ?? [];
  return kind === undefined
    ? 'Give the token as a secret (bearerToken), or the whole address as one'
    : `Use the kind of receiver "${kind}", which takes the whole address as a secret`;
}

function missingKinds({ receivers, version = OLDEST }: AlertmanagerConfiguration): OwnProblem[] {
  return Object.keys(receivers).flatMap((name) =>
    notificationsOf(receivers, name).flatMap(({ kind }) => {
      const needed = NEEDS[kind];
      if (needed === undefined || Number(version) >= Number(needed)) return [];
      return {
        code: 'construct.alertmanager.version',
        property: `receivers.${name}`,
        got: `Alertmanager ${version} cannot send to "${kind}"`,
        fix: `Use a host with Alertmanager ${needed} or later (Debian 13 has it) and say so: version: '${needed}'`,
      };
    }),
  );
}

function rootProblems({ route }: AlertmanagerConfiguration): OwnProblem[] {
  if ((route.matchers ?? []).length === 0 && route.muteIn === undefined && route.onlyIn === undefined)
    return [];
  return [
    {
      code: 'construct.alertmanager.root-route',
      property: 'route',
      got: 'the first route has matchers or time windows, and it must take every alert',
      fix: 'Put them on a route below it',
    },
  ];
}
