import type { Problem } from '../manifest/index.js';
import { suggest } from '../text/suggest.js';
import { formatPath } from './describe-issue.js';
import { memberOf, type Written } from './written.js';

/** Names after `@` that mean how the last apply ended. */
export const RESERVED_GROUPS: readonly string[] = ['failed', 'rest'];

const GROUP_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/;

/** Groups, each with every group that it is in, directly or through others. */
export type GroupTree = ReadonlyMap<string, ReadonlySet<string>>;

/** Which groups each group is in, and what is wrong with their names. */
export function groupTree(groups: ReadonlyMap<string, Written>): { tree: GroupTree; problems: Problem[] } {
  const problems: Problem[] = [];
  const direct = new Map<string, string[]>();
  for (const [name, group] of groups) {
    const named = namedGroups(group, ['groups', name], groups);
    direct.set(name, named.names);
    problems.push(...nameProblems(name, group), ...named.problems);
  }
  const tree = new Map([...groups.keys()].map((name) => [name, above(name, direct)]));
  for (const [name, group] of groups) {
    if (tree.get(name)?.has(name) !== true) continue;
    problems.push({
      code: 'inventory.group.circle',
      path: locateList(group),
      property: formatPath(['groups', name, 'groups']),
      got: `the group "${name}" is in itself, by way of "${circle(name, tree, direct)}"`,
      fix: 'Take one of the two out of the other.',
    });
  }
  return { tree, problems };
}

/** All groups of a host: those that it names and those that they are in, the nearest first. */
export function groupsOf(names: readonly string[], tree: GroupTree): string[] {
  const all = new Set(names.flatMap((name) => [name, ...(tree.get(name) ?? [])]));
  const depth = (name: string): number => tree.get(name)?.size ?? 0;
  // What is in another group is in everything that the other is in, and so in more.
  return [...all].sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1));
}

/** The groups that a host or a group names, and those of them that there are not. A list of another shape is for the schema. */
export function namedGroups(
  written: Written,
  property: readonly string[],
  groups: ReadonlyMap<string, unknown>,
): { names: string[]; problems: Problem[] } {
  const list = memberOf(written, 'groups');
  if (!Array.isArray(list.value)) return { names: [], problems: [] };
  const named = (list.value as readonly unknown[]).flatMap((name, index) =>
    typeof name === 'string' ? [{ name, at: memberOf(list, index).at, index }] : [],
  );
  return {
    names: [...new Set(named.flatMap(({ name }) => (groups.has(name) ? [name] : [])))],
    problems: named
      .filter(({ name }) => !groups.has(name))
      .map(({ name, at, index }) => {
        const near = suggest(name, groups.keys());
        return {
          code: 'inventory.group.unknown',
          path: at.source.locate(at.path),
          property: formatPath([...property, 'groups', index]),
          got: `there is no group "${name}"`,
          fix:
            near === undefined
              ? `Add it under "groups" ("${name}: {}" is enough).`
              : `Did you mean "${near}"?`,
        };
      }),
  };
}

function nameProblems(name: string, { at }: Written): Problem[] {
  const place = { path: at.source.locateKey(at.path), property: formatPath(['groups', name]) };
  if (RESERVED_GROUPS.includes(name)) {
    return [
      {
        code: 'inventory.group.reserved',
        ...place,
        got: `"@${name}" means how the last apply ended`,
        fix: 'Give the group another name.',
      },
    ];
  }
  if (GROUP_NAME.test(name)) return [];
  return [
    {
      code: 'inventory.group.name',
      ...place,
      got: `"${name}" is not the name of a group`,
      fix: 'Use letters, digits, "-" and "_", at most 63, a letter or digit first.',
    },
  ];
}

function above(name: string, direct: ReadonlyMap<string, readonly string[]>): Set<string> {
  const found = new Set<string>();
  const open = [...(direct.get(name) ?? [])];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (found.has(next)) continue;
    found.add(next);
    open.push(...(direct.get(next) ?? []));
  }
  return found;
}

/** The group that `name` names and that leads back to it. */
function circle(name: string, tree: GroupTree, direct: ReadonlyMap<string, readonly string[]>): string {
  return (direct.get(name) ?? []).find((next) => next === name || tree.get(next)?.has(name)) ?? name;
}

function locateList(group: Written): string {
  const { at } = memberOf(group, 'groups');
  return at.source.locate(at.path);
}
