import type { AppliedItem, ObservedHost, ObservedUnit, ObservedUser } from '../model.js';
import { isAdopted, type HostState } from './input.js';
import { hasOwnFile } from './unit-files.js';

/**
 * What an item that was there before any generation named it was like then (`was` in the index): it comes back when the
 * item leaves, as far as it is still as the last generation made it.
 */

/** Of a user, what a document sets besides memberships. */
export interface UserBefore {
  readonly group: string;
  readonly home: string;
  readonly shell: string;
}

/** `was` of a user in the index that is being made. */
export function userBefore(
  last: AppliedItem | undefined,
  seen: ObservedUser | undefined,
): UserBefore | undefined {
  if (last !== undefined && last['type'] !== 'absent') return userWas(last);
  return seen === undefined ? undefined : { group: seen.group, home: seen.home, shell: seen.shell };
}

/**
 * What a user who leaves and stays has to become, or `undefined` when nothing is to be put back. What a person changed since
 * stays, and so does the group where the one of before is gone.
 */
export function returningUser(
  last: AppliedItem | undefined,
  seen: ObservedUser | undefined,
  groups: ObservedHost['groups'],
): UserBefore | undefined {
  if (last === undefined || seen === undefined) return undefined;
  const was = userWas(last);
  if (was === undefined) return undefined;
  const field = (name: keyof UserBefore): string => (last[name] === seen[name] ? was[name] : seen[name]);
  const group = field('group');
  const next = {
    group: groups.has(group) ? group : seen.group,
    home: field('home'),
    shell: field('shell'),
  };
  const same = next.group === seen.group && next.home === seen.home && next.shell === seen.shell;
  return same ? undefined : next;
}

function userWas(last: AppliedItem): UserBefore | undefined {
  const { group, home, shell } = (last['was'] ?? {}) as Partial<Record<keyof UserBefore, unknown>>;
  if (typeof group !== 'string' || typeof home !== 'string' || typeof shell !== 'string') return undefined;
  return { group, home, shell };
}

/** `was` of a unit in the index that is being made: only what can be enabled has one. */
export function unitBefore(
  last: AppliedItem | undefined,
  fileState: string | undefined,
): 'enabled' | 'disabled' | undefined {
  const was = last === undefined ? fileState : last['was'];
  return was === 'enabled' || was === 'disabled' ? was : undefined;
}

/** How a unit that leaves and was there before us becomes enabled or not, as it was then, unless a person changed that since. */
export function returningEnablement(
  last: AppliedItem,
  seen: Pick<ObservedUnit, 'fileState'>,
): 'enable' | 'disable' | undefined {
  const was = unitBefore(last, undefined);
  if (was === 'enabled' && last['enabled'] === false && seen.fileState === 'disabled') return 'enable';
  if (was === 'disabled' && last['enabled'] === true && seen.fileState === 'enabled') return 'disable';
  return undefined;
}

/**
 * The same of a unit that stays, of which the configuration no longer says whether it is enabled. One whose file is of the
 * configuration was not there before, and so was not enabled.
 */
export function releasedEnablement(
  { applied }: Pick<HostState, 'applied'>,
  name: string,
  seen: Pick<ObservedUnit, 'fileState'>,
): 'enable' | 'disable' | undefined {
  const last = applied?.units?.[name] ?? {};
  const isNew = last['was'] === undefined && hasOwnFile(applied ?? {}, name);
  return returningEnablement(isNew && !isAdopted(last) ? { ...last, was: 'disabled' } : last, seen);
}
