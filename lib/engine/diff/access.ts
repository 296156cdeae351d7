import { LOCKED_SINCE } from '../../manifest/index.js';
import type { AppliedItem, Change, ObservedUser } from '../model.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, sortedEntries } from './input.js';
import { causeOf, leavingCause } from './three-way.js';

/** Until when an account can be used (`null`: for ever), and whether its password is locked, where that is ours to say. */
export interface Access {
  readonly expires: string | null;
  readonly locked?: boolean;
}

interface Wanted {
  /** The account is to be absent: locked and expired, whatever else. */
  readonly isAbsent?: boolean;
  readonly expires?: string | undefined;
  readonly last: AppliedItem | undefined;
  readonly seen: ObservedUser | undefined;
}

/** Day of shadow(5): days since 1970-01-01. */
export function dayOf(date: string): number {
  return Date.parse(`${date}T00:00:00Z`) / 86_400_000;
}

/**
 * What an account's access is to be, or `undefined` where no one says it. What a generation said and the document says no
 * longer goes back to what it was before that, unless a person changed it since.
 */
export function accessWanted({ isAbsent = false, expires, last, seen }: Wanted): Access | undefined {
  if (isAbsent) return { expires: LOCKED_SINCE, locked: true };
  const was = accessWas(last);
  const wasAbsent = last?.['type'] === 'absent';
  const unlocked = was !== undefined && wasAbsent ? { locked: was.locked } : {};
  if (expires !== undefined) return { expires, ...unlocked };
  if (was === undefined) return undefined;
  const ours = wasAbsent ? LOCKED_SINCE : last?.['expires'];
  return seen?.expires === ours ? { expires: was.expires, ...unlocked } : undefined;
}

/** `access` of a user in the index: as it was before a generation said otherwise. */
export function accessWas(last: AppliedItem | undefined): Required<Access> | undefined {
  const { expires, locked } = (last?.['access'] ?? {}) as Partial<Record<keyof Access, unknown>>;
  if (typeof locked !== 'boolean' || (typeof expires !== 'string' && expires !== null)) return undefined;
  return { expires, locked };
}

/** Whether an account is so; one whose shadow entry cannot be seen is left as it is. */
export function accessHolds(wanted: Access | undefined, seen: ObservedUser | undefined): boolean {
  if (wanted === undefined) return true;
  if (seen === undefined) return false;
  if (seen.expires === undefined) return true;
  return wanted.expires === seen.expires && (wanted.locked === undefined || wanted.locked === seen.locked);
}

/** Whether a user is as the last generation made it, in this. */
export function lastAccessHolds(last: AppliedItem, seen: ObservedUser | undefined): boolean {
  return seen?.expires === undefined || last['expires'] === undefined || last['expires'] === seen.expires;
}

/** What a change shows of it, where it is ours to say. */
export function accessView(
  access: Partial<Access> | undefined,
  wanted: Access | undefined,
): Readonly<Record<string, unknown>> {
  if (wanted === undefined) return {};
  const locked = wanted.locked === undefined ? {} : { locked: access?.locked };
  return { expires: access?.expires ?? 'never', ...locked };
}

/** Accounts that no one is to use. One that is not there is right. */
export function diffAbsentUsers(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  const wanted: Access = { expires: LOCKED_SINCE, locked: true };
  for (const [name] of sortedEntries(desired.absentUsers)) {
    const seen = observed.users.get(name);
    if (seen === undefined || accessHolds(wanted, seen)) continue;
    const origin = desired.origins?.[`absentUsers/${name}`];
    if (seen.uid === 0) {
      output.problems.push({
        code: 'diff.absent.root',
        path: origin ?? desired.host,
        property: `absentUsers[${JSON.stringify(name)}]`,
        got: `user ${name} has the uid 0 on this host, and is root by another name`,
        fix: 'Take the account away by hand, if no one needs it',
      });
      continue;
    }
    const last = appliedItems(input, 'users')[name];
    output.changes.push({
      section: 'users',
      key: name,
      action: 'update',
      cause: causeOf({ type: 'absent' }, last, last !== undefined && lastAccessHolds(last, seen)),
      before: accessView(seen, wanted),
      after: { state: 'absent', ...accessView(wanted, wanted) },
      ...(origin === undefined ? {} : { origin }),
      note: `can be used no more; the number ${String(seen.uid)}, the home ${seen.home} and what runs stay as they are`,
    });
  }
}

/** An account that is said nothing of any more. */
export function returningAccess(name: string, seen: ObservedUser, access: Access | undefined): Change {
  return {
    section: 'users',
    key: name,
    action: 'update',
    cause: leavingCause(true),
    before: accessView(seen, access),
    after: accessView(access, access),
    note: 'can be used as before it was managed',
  };
}
