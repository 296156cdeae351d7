import type { Recorded } from '../../../support/recording-receiver.js';
import type { Labels } from '../world.js';
import { at, clock } from './life.js';
import type { Sent } from './replay.js';
import { named } from './timeline.js';

/** One thing that one receiver is told. */
export interface Told {
  /** Minutes since the life began. */
  readonly minute: number;
  /** `operators firing critical HostDown ai-node` */
  readonly what: string;
}

interface Message {
  readonly groupKey: string;
  readonly alerts: readonly { readonly status: 'firing' | 'resolved'; readonly labels: Labels }[];
}

/** A sign of life that comes later than this is missed. */
const SIGN_MINUTES = 45;
const SWITCH = '/dead-mans-switch';

/** What people were told, in the order of time: what is new in a message, or that all of it still holds. */
export function told({ messages, clock: time }: Sent): Told[] {
  const known = new Map<string, ReadonlyMap<string, string>>();
  const minuteOf = ({ at }: Recorded) => time.minuteOf(at);
  const rows = messages
    .filter(({ path }) => path !== SWITCH)
    .flatMap((message): Told[] => {
      const { groupKey, alerts } = JSON.parse(message.body) as Message;
      const before = known.get(groupKey) ?? new Map<string, string>();
      const now = new Map(alerts.map(({ labels, status }) => [named(labels), status]));
      known.set(groupKey, now);
      const fresh = [...now].filter(([name, status]) => before.get(name) !== status);
      const minute = minuteOf(message);
      const row = (status: string, name: string) => ({
        minute,
        what: `${message.path.slice(1)} ${status} ${name}`,
      });
      return fresh.length > 0
        ? fresh.map(([name, status]) => row(status, name))
        : [...now.keys()].map((name) => row('still', name));
    });
  return [...rows, ...silent(messages.filter(({ path }) => path === SWITCH).map(minuteOf))].sort(
    (a, b) => a.minute - b.minute,
  );
}

/** When whoever listens for signs of life missed them. */
function silent(signs: readonly number[]): Told[] {
  return signs.slice(1).flatMap((minute, index): Told[] => {
    const before = signs[index] ?? 0;
    return minute - before < SIGN_MINUTES
      ? []
      : [
          { minute: before, what: 'dead-mans-switch falls silent' },
          { minute, what: 'dead-mans-switch is heard again' },
        ];
  });
}

/** A sign of life is a minute old when it is the last one, and more on a busy machine. */
const MOST_EARLY = 5;
/** How late a message may be without a reason, in minutes: Alertmanager looks at a group every five. */
const MOST_LATE = 15;

/**
 * What differs from the lines that are expected, which say when (`Tue 02:13`) and what. A replay whose machine was busy may be as much later as it
 * was behind.
 */
export function differences(rows: readonly Told[], expected: readonly string[], behind: number): string[] {
  const left = [...rows];
  const missing = expected.flatMap((line) => {
    const [, when = '', what = ''] = /^(\w{3} \d\d:\d\d) (.*)$/.exec(line) ?? [];
    const due = at(when);
    const index = left.findIndex(
      (row) =>
        row.what === what && row.minute >= due - MOST_EARLY && row.minute <= due + MOST_LATE + 2 * behind,
    );
    if (index < 0) return [`not told: ${line}`];
    left.splice(index, 1);
    return [];
  });
  return [...missing, ...toldTable(left).map((line) => `one too many: ${line}`)];
}

const toldTable = (rows: readonly Told[]): string[] =>
  rows.map(({ minute, what }) => `${clock(minute)} ${what}`);
