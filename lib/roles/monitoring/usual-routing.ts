import { Duration } from '../../constructs/units.js';
import type { Receivers, Route, TimeWindow } from './index.js';

/** The receiver of the alert that always fires; a name that inventories cannot give either (`checkReserved`). */
export const DEAD_MANS_SWITCH = 'dead-mans-switch';

/** Names that no inventory can give to something of its own: there they are of a-z, 0-9 and "-". Where no one is told, on purpose: */
const NO_ONE = 'no one';
const NIGHTS = 'usual nights';
const WEEKENDS = 'usual weekends';
/** Longer than any of these alerts, and shorter than Alertmanager remembers what it told (120 h). */
const ONCE = Duration.hours(96);

/** Monday to Friday, from one time of the day to another. */
export interface WorkingHours {
  readonly from: string;
  readonly to: string;
  readonly timeZone?: string | undefined;
}

/**
 * Routes for those who give none: critical alerts are told at once, and again after four hours; warnings wait for the working hours, and are
 * told once a day, or once if what they tell of is over (`told="once"`); `info` is only shown. What has no severity, or one that no one here knows, is told at once.
 */
export function usualRouting(
  receiver: string,
  { from, to, timeZone }: WorkingHours,
): {
  readonly receivers: Receivers;
  readonly routes: readonly Route[];
  readonly timeWindows: Readonly<Record<string, TimeWindow>>;
} {
  const outside = [
    ...(from === '00:00' ? [] : [{ from: '00:00', to: from }]),
    ...(to === '24:00' ? [] : [{ from: to, to: '24:00' }]),
  ];
  const zone = timeZone === undefined ? {} : { timeZone };
  const windows = {
    ...(outside.length > 0 && { [NIGHTS]: { weekdays: ['monday:friday'], times: outside, ...zone } }),
    // Weeks of Alertmanager begin on Sunday.
    [WEEKENDS]: { weekdays: ['saturday', 'sunday'], ...zone },
  };
  return {
    receivers: { [NO_ONE]: 'silent' },
    routes: [
      { matchers: ['severity="critical"'], receiver, repeatInterval: Duration.hours(4) },
      {
        matchers: ['severity="warning"', 'told="once"'],
        receiver,
        muteIn: Object.keys(windows),
        repeatInterval: ONCE,
      },
      {
        matchers: ['severity="warning"'],
        receiver,
        muteIn: Object.keys(windows),
        repeatInterval: Duration.hours(24),
      },
      { matchers: ['severity=~"info|none"'], receiver: NO_ONE },
    ],
    timeWindows: windows,
  };
}
