import type { Rule, RuleContext } from './context.js';
import { ALWAYS_GROUPS, ALWAYS_USERS, PACKAGE_ACCOUNTS } from './known-accounts.js';

/** Owners and memberships name accounts that exist; two accounts do not share a number. */
export const accountRules: Rule = (context) => {
  const users = knownUsers(context);
  const groups = knownGroups(context);

  for (const section of ['directories', 'files'] as const) {
    for (const [path, item] of Object.entries(context.manifest[section] ?? {})) {
      if (!users.has(item.owner)) unknown(context, section, path, '.owner', 'user', item.owner);
      if (!groups.has(item.group)) unknown(context, section, path, '.group', 'group', item.group);
    }
  }
  for (const [name, user] of Object.entries(context.manifest.users ?? {})) {
    if (user.group !== undefined && !groups.has(user.group)) {
      unknown(context, 'users', name, '.group', 'group', user.group);
    }
    user.groups.forEach((group, index) => {
      if (!groups.has(group)) unknown(context, 'users', name, `.groups[${index}]`, 'group', group);
    });
  }
  for (const name of context.keys('absentUsers')) {
    const declared = context.declares('users', name);
    if (!declared && name !== 'root') continue;
    context.report('absentUsers', name, {
      code: 'manifest.user.absent',
      got: declared
        ? `user ${name} is to be there as well (${context.origin('users', name)})`
        : 'root is what this host is managed by',
      fix: declared ? 'Keep one of the two' : 'Take it out; SshServer says who may log in',
    });
  }
  uniqueNumbers(context, 'users', 'uid');
  uniqueNumbers(context, 'groups', 'gid');
};

function knownUsers(context: RuleContext): Set<string> {
  return new Set([
    ...ALWAYS_USERS,
    ...(context.manifest.assumedAccounts?.users ?? []),
    ...installed(context).flatMap((accounts) => accounts.users ?? []),
    ...context.keys('users'),
  ]);
}

function knownGroups(context: RuleContext): Set<string> {
  const users = context.manifest.users ?? {};
  return new Set([
    ...ALWAYS_GROUPS,
    ...(context.manifest.assumedAccounts?.groups ?? []),
    ...installed(context).flatMap((accounts) => accounts.groups ?? accounts.users ?? []),
    ...context.keys('groups'),
    // A user without a primary group of its own choice gets one of its own name.
    ...context.keys('users').filter((name) => users[name]?.group === undefined),
  ]);
}

function installed(context: RuleContext) {
  const here = context
    .keys('packages')
    .filter((name) => context.manifest.packages?.[name]?.state !== 'absent');
  return here.flatMap((name) => PACKAGE_ACCOUNTS[name.replace(/:.*/, '')] ?? []);
}

function unknown(
  context: RuleContext,
  section: 'directories' | 'files' | 'users',
  key: string,
  member: string,
  kind: 'user' | 'group',
  name: string,
): void {
  context.report(section, key, {
    code: `manifest.${kind}.unknown`,
    member,
    got: `${kind} ${name} is neither made by this manifest nor known to exist`,
    fix: fixOf(kind, name, context.origin(section, key)),
  });
}

/** In the terms of whoever declared it: a construct, or a document by hand. */
function fixOf(kind: 'user' | 'group', name: string, origin: string): string {
  if (origin.startsWith('manifest')) {
    return `Add it to ${kind}s, or to assumedAccounts.${kind}s if a package or a person creates it`;
  }
  const construct = kind === 'user' ? 'UserAccount' : 'UserGroup';
  const brings = Object.keys(PACKAGE_ACCOUNTS).find((each) => {
    const { users = [], groups = users } = PACKAGE_ACCOUNTS[each] ?? {};
    return (kind === 'user' ? users : groups).includes(name);
  });
  const install = brings === undefined ? '' : `, install its package (${brings} brings it)`;
  return `Make it with a ${construct}${install}, or say ${construct}.fromPackage(host, ${JSON.stringify(name)}) if a package or a person creates it`;
}

function uniqueNumbers(context: RuleContext, section: 'users' | 'groups', number: 'uid' | 'gid'): void {
  const taken = new Map<number, string>();
  for (const name of Object.keys(context.manifest[section] ?? {}).sort()) {
    const item: { uid?: number | undefined; gid?: number | undefined } =
      context.manifest[section]?.[name] ?? {};
    const value = item[number];
    if (value === undefined) continue;
    const other = taken.get(value);
    if (other === undefined) taken.set(value, name);
    else {
      context.report(section, name, {
        code: `manifest.${number}.taken`,
        member: `.${number}`,
        got: `${value} is also the number of ${other} (${context.origin(section, other)})`,
        fix: 'Give one of them another number',
      });
    }
  }
}
