import type { ExpandedUser } from '../../manifest/index.js';
import type { AppliedItem, Change, ObservedUser } from '../model.js';
import {
  accessHolds,
  accessView,
  accessWanted,
  diffAbsentUsers,
  lastAccessHolds,
  returningAccess,
} from './access.js';
import { returningUser, type UserBefore } from './earlier.js';
import { causeOf, leavingCause } from './three-way.js';
import { userFacts } from './facts.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, countOf, isAdopted, leavingKeys, originOf, sortedEntries } from './input.js';

/** False, with a note, when an offline root has no account files of its own. */
function accountsManaged(input: DiffInput, output: DiffOutput, noun: 'group' | 'user'): boolean {
  if (input.observed.offline === null || input.observed.offline.accounts) return true;
  const section = noun === 'group' ? 'groups' : 'users';
  const count = new Set([
    ...Object.keys(input.desired[section] ?? {}),
    ...Object.keys(appliedItems(input, section)),
  ]).size;
  if (count > 0) {
    output.notes.push(`${countOf(count, noun)} left out: the offline root has no /etc/passwd and /etc/group`);
  }
  return false;
}

/** Groups: present, with the wanted number where one is named. */
export function diffGroups(input: DiffInput, output: DiffOutput): void {
  if (!accountsManaged(input, output, 'group')) return;
  const { desired, observed } = input;
  const applied = appliedItems(input, 'groups');
  for (const [name, { gid }] of sortedEntries(desired.groups)) {
    const seen = observed.groups.get(name);
    const holds = (wanted: unknown): boolean =>
      seen !== undefined && (wanted === undefined || wanted === seen);
    if (holds(gid)) continue;
    if (gid !== undefined && otherNumber(input, output, 'groups', name, gid, seen)) continue;
    const last = applied[name];
    output.changes.push({
      section: 'groups',
      key: name,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf(gid === undefined ? {} : { gid }, last, holds(last?.['gid'])),
      ...(seen === undefined ? {} : { before: { gid: seen } }),
      after: { gid: gid ?? 'any' },
      ...originOf(input, 'groups', name),
    });
  }
  for (const name of leavingKeys(applied, desired.groups)) {
    const gid = observed.groups.get(name);
    if (
      gid === undefined ||
      (desired.users?.[name] !== undefined && desired.users[name].group === undefined)
    ) {
      continue;
    }
    const last = applied[name];
    if (isAdopted(last)) {
      output.notes.push(`group ${name} left the configuration and stays: it was there before it was managed`);
      continue;
    }
    const cause = leavingCause(last?.['gid'] === undefined || last['gid'] === gid);
    output.changes.push({ section: 'groups', key: name, action: 'delete', cause, before: { gid } });
  }
}

/** Users: present, with the wanted home, shell and primary group, and members of at least the wanted groups. */
export function diffUsers(input: DiffInput, output: DiffOutput): void {
  if (!accountsManaged(input, output, 'user')) return;
  const { desired, observed } = input;
  const applied = appliedItems(input, 'users');
  for (const [name, user] of sortedEntries(desired.users)) {
    const seen = observed.users.get(name);
    const want = userFacts(name, user);
    const last = applied[name];
    if (want.uid !== undefined && otherNumber(input, output, 'users', name, want.uid, seen?.uid)) continue;
    const lost = lostMemberships(last, want, seen);
    const access = accessWanted({ expires: user.expires, last, seen });
    if (userHolds({ ...want }, seen) && lost.length === 0 && accessHolds(access, seen)) continue;
    output.changes.push({
      section: 'users',
      key: name,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf(
        { ...want },
        last,
        last !== undefined &&
          last['type'] !== 'absent' &&
          userHolds(last, seen) &&
          lastAccessHolds(last, seen),
      ),
      ...(seen === undefined
        ? {}
        : { before: { ...userView(seen, [...want.groups, ...lost]), ...accessView(seen, access) } }),
      after: { uid: want.uid ?? seen?.uid ?? 'any', ...want, ...accessView(access, access) },
      ...originOf(input, 'users', name),
      ...noteOf(lossNote(name, lost), homeNote(user, seen)),
    });
  }
  diffAbsentUsers(input, output);
  for (const name of leavingKeys(applied, desired.users)) {
    if (desired.absentUsers?.[name] !== undefined) continue;
    const seen = observed.users.get(name);
    if (seen === undefined) continue;
    const last = applied[name] ?? {};
    const access = accessWanted({ last, seen });
    if (last['type'] === 'absent') {
      if (!accessHolds(access, seen)) output.changes.push(returningAccess(name, seen, access));
      continue;
    }
    if (isAdopted(last) || seen.uid === 0) {
      output.notes.push(`user ${name} left the configuration and stays: it was there before it was managed`);
      const lost = lostMemberships(last, undefined, seen);
      const was = returningUser(last, seen, observed.groups);
      if (lost.length > 0 || was !== undefined)
        output.changes.push(reducedUser(name, seen, { lost, was }, userHolds(last, seen)));
      else if (!accessHolds(access, seen)) output.changes.push(returningAccess(name, seen, access));
      continue;
    }
    output.changes.push(removedUser(name, seen, userHolds(last, seen)));
  }
}

function removedUser(name: string, seen: ObservedUser, holds: boolean): Change {
  return {
    section: 'users',
    key: name,
    action: 'delete',
    cause: leavingCause(holds),
    before: userView(seen, seen.groups),
    note: `the home directory ${seen.home} is kept`,
  };
}

/** An account that stays although it left: what we gave it goes, and what we changed comes back. */
function reducedUser(
  name: string,
  seen: ObservedUser,
  { lost, was }: { readonly lost: readonly string[]; readonly was: UserBefore | undefined },
  holds: boolean,
): Change {
  return {
    section: 'users',
    key: name,
    action: 'update',
    cause: leavingCause(holds),
    before: userView(seen, lost),
    after: userView({ ...seen, ...was }, []),
    ...noteOf(
      lossNote(name, lost),
      was === undefined ? undefined : 'what it was before it was managed is put back',
    ),
  };
}

function noteOf(...notes: readonly (string | undefined)[]): { readonly note?: string } {
  const said = notes.filter((note) => note !== undefined);
  return said.length === 0 ? {} : { note: said.join('; ') };
}

function lossNote(name: string, lost: readonly string[]): string | undefined {
  return lost.length === 0 ? undefined : `${name} loses ${lost.join(', ')}`;
}

function homeNote(user: ExpandedUser, seen: ObservedUser | undefined): string | undefined {
  if (seen === undefined || seen.home === user.home) return undefined;
  const next = user.system ? `${user.home} is not made` : `${user.home} is made if it is not there`;
  return `${next}; ${seen.home} stays as it is, nothing is moved`;
}

/**
 * Reports an account that has another number than the one wanted: files and processes of the old number would belong to
 * no one, and only a person knows where they are. An unknown number (-1) is no other one.
 */
function otherNumber(
  input: DiffInput,
  output: DiffOutput,
  section: 'groups' | 'users',
  name: string,
  wanted: number,
  seen: number | undefined,
): boolean {
  if (seen === undefined || seen < 0 || seen === wanted) return false;
  const [noun, number, find, change, own] =
    section === 'users'
      ? (['user', 'uid', '-uid', 'usermod --uid', 'chown'] as const)
      : (['group', 'gid', '-gid', 'groupmod --gid', 'chgrp'] as const);
  output.problems.push({
    code: `diff.${number}`,
    path: input.desired.origins?.[`${section}/${name}`] ?? input.desired.host,
    property: `${section}["${name}"].${number}`,
    got: `${noun} ${name} has the ${number} ${String(seen)} on the host, and ${String(wanted)} is wanted: its files and processes would keep the old one`,
    fix:
      `Write ${number} ${String(seen)}, or leave it out; or change it by hand while nothing runs as ${name}: ` +
      `${change} ${String(wanted)} ${name} && find / -xdev ${find} ${String(seen)} -exec ${own} -h ${String(wanted)} {} +`,
  });
  return true;
}

/**
 * Supplementary groups that the last generation gave a user and that are not wanted any more, sorted. What the user was in
 * before a generation named it (`had` of the index) stays, and so does what none ever named.
 *
 * @param want absent for a user who left the configuration
 */
export function lostMemberships(
  last: AppliedItem | undefined,
  want: { readonly group: string; readonly groups: readonly string[] } | undefined,
  seen: ObservedUser | undefined,
): string[] {
  if (last === undefined || seen === undefined) return [];
  const stays = [...namesIn(last['had']), ...(want === undefined ? [] : [...want.groups, want.group])];
  return namesIn(last['groups'])
    .filter((group) => !stays.includes(group) && seen.groups.includes(group))
    .sort();
}

/** Of the wanted groups, those that the user was in before a generation named them, sorted. */
export function earlierMemberships(
  last: AppliedItem | undefined,
  wanted: readonly string[],
  seen: ObservedUser | undefined,
): string[] {
  const named = namesIn(last?.['groups']);
  return wanted
    .filter((group) =>
      (named.includes(group) ? namesIn(last?.['had']) : (seen?.groups ?? [])).includes(group),
    )
    .sort();
}

function namesIn(list: unknown): string[] {
  return Array.isArray(list) ? list.map(String) : [];
}

/** Supplementary groups that no one asked for are not ours to show. */
function userView(seen: ObservedUser, wanted: readonly string[]): Readonly<Record<string, unknown>> {
  return {
    uid: seen.uid,
    group: seen.group,
    home: seen.home,
    shell: seen.shell,
    groups: seen.groups.filter((group) => wanted.includes(group)),
  };
}

function userHolds(facts: AppliedItem, seen: ObservedUser | undefined): boolean {
  if (seen === undefined) return false;
  return (
    (facts['uid'] === undefined || facts['uid'] === seen.uid) &&
    facts['group'] === seen.group &&
    facts['home'] === seen.home &&
    facts['shell'] === seen.shell &&
    namesIn(facts['groups']).every((group) => seen.groups.includes(group) || seen.group === group)
  );
}
