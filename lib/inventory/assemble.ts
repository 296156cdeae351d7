import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { byName, expandHosts, type Entry } from './expand-hosts.js';
import { groupsOf, groupTree, namedGroups, type GroupTree } from './groups.js';
import { mergeLayers, type Conflict } from './merge-layers.js';
import { isMap, type Source } from './raw.js';
import { mapOf, memberOf, membersOf, type Layer, type Place, type Written } from './written.js';

/** One file of an inventory: the one for all, or that of one host or group. */
export interface InventoryFile {
  /** As in messages. */
  readonly name: string;
  readonly source: Source;
  /** Absent: the file for all. */
  readonly of?: { readonly kind: 'host' | 'group'; readonly name: string };
}

/** The files of an inventory as one document. */
export interface Assembled {
  /** As one file would say it: hosts have all their settings; `defaults` and `groups` stand next to them. */
  readonly written: Written;
  /** The hosts of each group, those of groups in it included, in the order of hosts. */
  readonly groups: Readonly<Record<string, readonly string[]>>;
  /** What is wrong between files, groups and hosts; single values were not looked at. */
  readonly problems: readonly Problem[];
}

/**
 * Gives hosts what defaults and groups say: the host wins over its groups, a group over the groups that it is in, and each of
 * them over the defaults. Pure: files are read already.
 *
 * @param site the file for all
 * @param others files of single hosts and groups
 */
export function assemble(site: InventoryFile, others: readonly InventoryFile[]): Assembled {
  const at: Place = { file: site.name, source: site.source, path: [], layer: { kind: 'site' } };
  const root: Written = { value: site.source.value ?? {}, at };
  if (!isMap(root.value)) return { written: root, groups: {}, problems: [] };
  const groups = byName('group', entriesOf('group', root, others));
  const { tree, problems: treeProblems } = groupTree(groups.found);
  const expanded = expandHosts(entriesOf('host', root, others));
  const hosts = byName('host', expanded.hosts);
  const problems = [...groups.problems, ...treeProblems, ...expanded.problems, ...hosts.problems];
  const defaults = layered(memberOf(root, 'defaults'), { kind: 'defaults' });
  const members = new Map([...groups.found.keys()].map((name) => [name, [] as string[]]));
  const merged = new Map<string, Written>();
  for (const [name, host] of hosts.found) {
    const named = namedGroups(host, ['hosts', name], groups.found);
    problems.push(...named.problems);
    const all = groupsOf(named.names, tree);
    for (const group of all) members.get(group)?.push(name);
    const { written, conflicts } = settle(host, all, groups.found, defaults, tree);
    merged.set(name, written);
    problems.push(...conflicts.map((conflict) => conflictProblem(name, conflict)));
  }
  return {
    written: withParts(root, { hosts: merged, groups: groups.found }),
    groups: Object.fromEntries(members),
    problems,
  };
}

function settle(
  host: Written,
  groups: readonly string[],
  written: ReadonlyMap<string, Written>,
  defaults: Written,
  tree: GroupTree,
): { written: Written; conflicts: readonly Conflict[] } {
  if (!isMap(host.value)) return { written: host, conflicts: [] };
  const above = groups.flatMap((name) => {
    const group = written.get(name);
    return group !== undefined && isMap(group.value) ? [{ name, settings: settingsOf(group) }] : [];
  });
  const layers = [
    host,
    ...above.map(({ settings }) => settings),
    ...(isMap(defaults.value) ? [defaults] : []),
  ];
  return mergeLayers(layers, (one, other) => {
    const [a, b] = [above[one - 1], above[other - 1]];
    if (a === undefined || b === undefined) return one < other;
    return tree.get(a.name)?.has(b.name) === true && tree.get(b.name)?.has(a.name) !== true;
  });
}

/** Everything that a group says of its hosts: not which groups it is in itself. */
function settingsOf(group: Written): Written {
  return mapOf(new Map(membersOf(group).filter(([key]) => key !== 'groups')), group.at);
}

/** The entries of the file for all, then the files of single ones. */
function entriesOf(kind: 'host' | 'group', root: Written, others: readonly InventoryFile[]): Entry[] {
  const layer = (name: string): Layer => ({ kind, name });
  return [
    ...membersOf(memberOf(root, `${kind}s`)).map(([name, each]): Entry => [name, layered(each, layer(name))]),
    ...others.flatMap(({ name: file, of, source }): Entry[] =>
      of?.kind === kind
        ? [[of.name, { value: source.value, at: { file, source, path: [], layer: layer(of.name) } }]]
        : [],
    ),
  ];
}

function layered(written: Written, layer: Layer): Written {
  return { ...written, at: { ...written.at, layer } };
}

/** The document with other hosts and groups; what is no map is left as it is written, for the schema to refuse. */
function withParts(
  root: Written,
  parts: Readonly<Record<'hosts' | 'groups', ReadonlyMap<string, Written>>>,
): Written {
  const members = new Map(membersOf(root));
  for (const [key, part] of Object.entries(parts)) {
    const own = memberOf(root, key);
    if (isMap(own.value) || (own.value === undefined && part.size > 0)) members.set(key, mapOf(part, own.at));
  }
  return mapOf(members, root.at);
}

function conflictProblem(host: string, { path, one, other }: Conflict): Problem {
  const nameOf = ({ at: { layer } }: Written): string => ('name' in layer ? layer.name : layer.kind);
  const property = formatPath(['hosts', host, ...path]);
  return {
    code: 'inventory.group.conflict',
    path: one.at.source.locate(one.at.path),
    property,
    got: `the group "${nameOf(one)}" says something else here than the group "${nameOf(other)}" at ${other.at.source.locate(other.at.path)}`,
    fix: `Say it for the host itself, or put one of the groups into the other ("groups: [${nameOf(other)}]" in "${nameOf(one)}"), which then wins.`,
  };
}
