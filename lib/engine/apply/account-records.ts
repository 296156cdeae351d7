import { primaryGroup } from '../../manifest/index.js';
import type { HostManifest, ManifestUser } from '../../manifest/index.js';
import { accessHolds, accessWanted } from '../diff/access.js';
import { lostMemberships } from '../diff/accounts.js';
import { returningUser } from '../diff/earlier.js';
import type { HostPlan } from '../model.js';
import { changed, deleted, type AddText } from './changed.js';
import { record } from './records.js';

/** What `remote/tx-accounts.sh` reads: groups, users, and memberships and accounts that go. */
export function addAccounts(text: AddText, plan: HostPlan, desired: HostManifest): void {
  const groups = changed(plan, 'groups').filter((change) => change.action !== 'delete');
  text(
    'ops/groups',
    groups.map(({ key }) => record(key, desired.groups?.[key]?.gid, desired.groups?.[key]?.system)).join(''),
  );
  const allUsers = changed(plan, 'users').filter((change) => change.action !== 'delete');
  text('ops/users-access', allUsers.map(({ key }) => accessRecord(plan, desired, key)).join(''));
  const changedUsers = allUsers.filter(({ key }) => desired.absentUsers?.[key] === undefined);
  text('ops/members-remove', changedUsers.flatMap(({ key }) => lostRecords(plan, desired, key)).join(''));
  text(
    'ops/users',
    changedUsers
      .map(({ key, action }) =>
        desired.users?.[key] === undefined
          ? returningRecord(plan, key)
          : userRecord(key, desired.users[key], action),
      )
      .join(''),
  );
  text(
    'ops/users-remove',
    deleted(plan, 'users')
      .map(({ key }) => record(key))
      .join(''),
  );
  text(
    'ops/groups-remove',
    deleted(plan, 'groups')
      .map(({ key }) => record(key))
      .join(''),
  );
}

function lostRecords(plan: HostPlan, desired: HostManifest, name: string): string[] {
  const user = desired.users?.[name];
  const want = user && { group: primaryGroup(name, user), groups: user.groups };
  const last = plan.observed.applied?.users?.[name];
  return lostMemberships(last, want, plan.observed.users.get(name)).map((group) => record(name, group));
}

/** One who left and stays only loses what we gave, and gets back what we changed. A home that was there is not made. */
function returningRecord({ observed }: HostPlan, name: string): string {
  const was = returningUser(observed.applied?.users?.[name], observed.users.get(name), observed.groups);
  return was === undefined ? '' : record(name, '', was.group, was.home, was.shell, '', true, 'update');
}

function accessRecord({ observed }: HostPlan, desired: HostManifest, name: string): string {
  const seen = observed.users.get(name);
  const last = observed.applied?.users?.[name];
  const isAbsent = desired.absentUsers?.[name] !== undefined;
  const access = accessWanted({ isAbsent, expires: desired.users?.[name]?.expires, last, seen });
  if (access === undefined || accessHolds(access, seen)) return '';
  return record(name, access.expires ?? '', lockVerb(access.locked));
}

function lockVerb(locked: boolean | undefined): string {
  return locked === undefined ? '' : locked ? 'lock' : 'unlock';
}

function userRecord(name: string, user: ManifestUser | undefined, action: string): string {
  if (user === undefined) throw new Error(`the plan changes user ${name}, whom its manifest does not have`);
  return record(
    name,
    user.uid,
    user.group,
    user.home,
    user.shell,
    user.groups.join(','),
    user.system,
    action,
  );
}
