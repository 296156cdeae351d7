import type { Duration } from '../../../constructs/units.js';
import type { Notification } from './notification.js';

/** Who is told, by name. `silent` says that what is routed there is to reach no person. */
export type Receivers = Readonly<Record<string, readonly Notification[] | 'silent'>>;

/** The ways in which a receiver is told; none of one that is silent or not declared. */
export function notificationsOf(receivers: Receivers, name: string): readonly Notification[] {
  const found = Object.hasOwn(receivers, name) ? receivers[name] : undefined;
  return found === undefined || found === 'silent' ? [] : found;
}

/** Which alerts go where. Matchers as Alertmanager writes them: `severity="critical"`, `host=~"ai-.*"`. */
export interface Route {
  readonly receiver: string;
  /** All must hold. @default [] */
  readonly matchers?: readonly string[];
  /** Alerts that are alike in these labels are sent together. @default - as the route above */
  readonly groupBy?: readonly string[];
  /** How long the first alert of a group waits for others. @default - as the route above */
  readonly groupWait?: Duration;
  /** How long a group that was sent waits for more. @default - as the route above */
  readonly groupInterval?: Duration;
  /** When an alert that goes on is told again. @default - as the route above */
  readonly repeatInterval?: Duration;
  /** Names of time windows in which nothing is sent. @default [] */
  readonly muteIn?: readonly string[];
  /** Names of time windows in which alone something is sent. @default - always */
  readonly onlyIn?: readonly string[];
  /** Whether the routes after this one are looked at as well. @default false */
  readonly continue?: boolean;
  readonly routes?: readonly Route[];
}

/** A time window: all members that are given must hold. */
export interface TimeWindow {
  /** `monday`, `monday:friday`. */
  readonly weekdays?: readonly string[] | undefined;
  /** `08:00` to `18:00`, in the window's zone. */
  readonly times?: readonly { readonly from: string; readonly to: string }[] | undefined;
  /** @default 'UTC' */
  readonly timeZone?: string | undefined;
}

/** While an alert that the source matches fires, those that the target matches and that are equal in these labels are not sent. */
export interface Inhibition {
  readonly source: readonly string[];
  readonly target: readonly string[];
  readonly equal: readonly string[];
}

/** A route and everything below it. */
export function allRoutes(route: Route): Route[] {
  return [route, ...(route.routes ?? []).flatMap(allRoutes)];
}

/** `for severity="critical"`: how messages name a route. */
export function describeRoute(matchers: readonly string[] = []): string {
  return matchers.length === 0 ? 'for all alerts' : `for ${matchers.join(', ')}`;
}
