import type { AppliedItem, Change, ObservedUser } from '../model.js';
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
    if (userHolds({ ...want }, seen)) continue;
    const last = applied[name];
    output.changes.push({
      section: 'users',
      key: name,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf({ ...want }, last, last !== undefined && userHolds(last, seen)),
      ...(seen === undefined ? {} : { before: userView(seen, want.groups) }),
      after: { uid: want.uid ?? seen?.uid ?? 'any', ...want },
      ...originOf(input, 'users', name),
    });
  }
  for (const name of leavingKeys(applied, desired.users)) {
    const seen = observed.users.get(name);
    if (seen === undefined) continue;
    const last = applied[name] ?? {};
    if (isAdopted(last) || seen.uid === 0) {
      output.notes.push(`user ${name} left the configuration and stays: it was there before it was managed`);
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

/** Supplementary groups that nobody asked for are not ours to show. */
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
  const groups = Array.isArray(facts['groups']) ? facts['groups'] : [];
  return (
    (facts['uid'] === undefined || facts['uid'] === seen.uid) &&
    facts['group'] === seen.group &&
    facts['home'] === seen.home &&
    facts['shell'] === seen.shell &&
    groups.every((group) => seen.groups.includes(String(group)) || seen.group === group)
  );
}
