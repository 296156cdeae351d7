import type { AlertmanagerConfiguration } from './configuration.js';
import { LabelWorld } from './label-world.js';
import { allRoutes, notificationsOf, type Route } from './routing.js';
import { contains, momentsOf, readWindow, type Moment, type WeekWindow } from './time-windows.js';

/** An alert, as far as its labels can be known before it fires. */
export interface RoutedAlert {
  readonly severity: string;
  /** `alertname` and `severity` among them. A label that is not here may have any value, or none. */
  readonly labels: ReadonlyMap<string, string>;
  /** Values that a label has not. */
  readonly not?: ReadonlyMap<string, ReadonlySet<string>>;
}

/** An alert for which no notification is sent. */
export interface Lost {
  readonly alert: RoutedAlert;
  /** Labels that it then has next to those that are known: `host="a"`. */
  readonly assumed: readonly string[];
  /** The routes that take it. */
  readonly routes: readonly Route[];
  /** When; absent: always. */
  readonly moment?: Moment;
}

/** Steps after which a tree counts as one that cannot be checked; for those that people write some hundred are enough. */
const MOST_STEPS = 10_000;

/** Thrown where a tree of routes has too many ways through it. */
export class TooManyWays extends Error {}

/**
 * Finds alerts for which no notification is sent at some minute of the week, by Alertmanager's own rules: an alert goes down the tree to
 * every first child that matches (and on from there with `continue`); a route gets what none of its children takes; windows
 * mute a route that has matched, they never make it match less. Inhibited alerts count as told: their cause is.
 *
 * A critical alert has to be told at every minute. Any other may wait for the end of a window in which its route is muted by
 * name (`muteIn`), if it is told outside of it; `onlyIn` does not say so of the rest of the week.
 */
export class Reach {
  private readonly windows = new Map<string, WeekWindow>();
  private readonly moments: readonly Moment[];
  private steps = 0;

  /** @param configuration without unknown receivers, windows and matchers */
  constructor(private readonly configuration: AlertmanagerConfiguration) {
    const used = new Set(
      allRoutes(configuration.route).flatMap(({ muteIn = [], onlyIn = [] }) => [...muteIn, ...onlyIn]),
    );
    for (const [name, window] of Object.entries(configuration.timeWindows)) {
      const read = used.has(name) ? readWindow(window) : '';
      if (typeof read !== 'string') this.windows.set(name, read);
    }
    this.moments = momentsOf([...this.windows.values()]);
  }

  /** The first way in which an alert is lost, for each set of routes that take it. @throws TooManyWays */
  *lost(alert: RoutedAlert): Generator<Lost> {
    const found = new Set<string>();
    const all = allRoutes(this.configuration.route);
    this.steps = 0;
    for (const { world, taken } of this.ways(
      this.configuration.route,
      LabelWorld.of(alert.labels, alert.not),
    )) {
      if (taken === null) continue;
      const key = taken.map((route) => all.indexOf(route)).join();
      if (found.has(key)) continue;
      found.add(key);
      const unheard = this.moments.filter((moment) => !this.told(alert, taken, moment));
      const [moment] = unheard;
      if (moment === undefined) continue;
      const assumed = world.assumed(alert.labels);
      yield { alert, assumed, routes: taken, ...(unheard.length < this.moments.length && { moment }) };
    }
  }

  /** Whether a route passes nothing on at a moment, and by which windows. */
  muting({ muteIn = [], onlyIn = [] }: Route, moment: Moment): { muted: string[]; outside: boolean } {
    const within = (name: string): boolean => {
      const window = this.windows.get(name);
      return window !== undefined && contains(window, moment);
    };
    return { muted: muteIn.filter(within), outside: onlyIn.length > 0 && !onlyIn.some(within) };
  }

  /** Zone of the first window that a route names. */
  zoneOf({ onlyIn = [], muteIn = [] }: Route): string | undefined {
    const [name] = [...onlyIn, ...muteIn];
    return name === undefined ? undefined : this.windows.get(name)?.zone;
  }

  private told({ severity }: RoutedAlert, routes: readonly Route[], moment: Moment): boolean {
    return routes.some((route) => {
      if (this.isSilent(route)) return true;
      if (!this.hasNotification(route)) return false;
      const { muted, outside } = this.muting(route, moment);
      if (outside) return false;
      return muted.length === 0 || (severity !== 'critical' && this.everTells(route));
    });
  }

  private everTells(route: Route): boolean {
    return this.moments.some((moment) => {
      const { muted, outside } = this.muting(route, moment);
      return muted.length === 0 && !outside;
    });
  }

  private isSilent({ receiver }: Route): boolean {
    return this.configuration.receivers[receiver] === 'silent';
  }

  private hasNotification({ receiver }: Route): boolean {
    return notificationsOf(this.configuration.receivers, receiver).length > 0;
  }

  /** Whether what a route takes is never lost. */
  private isSafe(route: Route): boolean {
    if (this.isSilent(route)) return true;
    const { muteIn = [], onlyIn = [] } = route;
    return this.hasNotification(route) && muteIn.length === 0 && onlyIn.length === 0;
  }

  /** Whether all ways from a child on come to one that takes everything and loses nothing. */
  private comesToSafeRoute({ routes = [] }: Route, child: number): boolean {
    for (const each of routes.slice(child)) {
      const takesAll = (each.matchers ?? []).length === 0 && (each.routes ?? []).length === 0;
      if (takesAll && this.isSafe(each)) return true;
      if (each.continue !== true) return false;
    }
    return false;
  }

  /**
   * Every way that an alert may go below a route, with the routes that take it, or null where the route does not match. Ways
   * on which a route takes it that never loses anything are left out: they are good, whatever else is on them.
   */
  private *ways(
    route: Route,
    start: LabelWorld,
  ): Generator<{ world: LabelWorld; taken: readonly Route[] | null }> {
    if (++this.steps > MOST_STEPS) throw new TooManyWays();
    for (const [world, matches] of start.matches(route.matchers ?? [])) {
      if (!matches) yield { world, taken: null };
      else yield* this.below(route, 0, world, []);
    }
  }

  private *below(
    route: Route,
    child: number,
    start: LabelWorld,
    taken: readonly Route[],
  ): Generator<{ world: LabelWorld; taken: readonly Route[] }> {
    const next = route.routes?.[child];
    if (this.comesToSafeRoute(route, child)) return;
    if (next === undefined) {
      if (taken.length > 0) yield { world: start, taken };
      else if (!this.isSafe(route)) yield { world: start, taken: [route] };
      return;
    }
    for (const { world, taken: more } of this.ways(next, start)) {
      if (more === null) yield* this.below(route, child + 1, world, taken);
      else if (next.continue === true) yield* this.below(route, child + 1, world, [...taken, ...more]);
      else yield { world, taken: [...taken, ...more] };
    }
  }
}
