import type { ExpandedManifest } from '../../manifest/index.js';
import type { AppliedIndex } from '../model.js';

/** The names that one observation asks for. Absolute paths; every list sorted and without repetition. */
export interface ObserveRequest {
  /** Digest of a manifest whose index the reader can make itself; `null` asks for the index in any case. */
  readonly knownDigest: string | null;
  /** Files, links, files with blocks: their contents are digested, and directories among them are counted. */
  readonly paths: readonly string[];
  readonly directories: readonly string[];
  /** Files whose whole contents are wanted; each stands in `paths` as well. */
  readonly blocks: readonly string[];
  readonly units: readonly string[];
  readonly users: readonly string[];
  readonly groups: readonly string[];
  readonly packages: readonly string[];
  readonly mounts: readonly string[];
  /** Paths that leave: what stood there before the first generation that named them. */
  readonly before: readonly string[];
  /** Those of them of which the index does not say whether anything stood there. */
  readonly unmarked: readonly string[];
}

const EMPTY: ObserveRequest = {
  knownDigest: null,
  paths: [],
  directories: [],
  blocks: [],
  units: [],
  users: [],
  groups: [],
  packages: [],
  mounts: [],
  before: [],
  unmarked: [],
};

/** What has to be known to compare a host with `desired`. */
export function requestFor(desired: ExpandedManifest, knownDigest: string | null): ObserveRequest {
  const blocks = keys(desired.blocks);
  return {
    knownDigest,
    paths: unique([
      ...keys(desired.files),
      ...keys(desired.symlinks),
      ...keys(desired.absentPaths),
      ...blocks,
    ]),
    directories: keys(desired.directories),
    blocks,
    units: keys(desired.units),
    users: unique([...keys(desired.users), ...keys(desired.absentUsers)]),
    groups: unique([
      ...keys(desired.groups),
      ...Object.entries(desired.users ?? {}).map(([name, user]) => user.group ?? name),
    ]),
    packages: keys(desired.packages),
    mounts: keys(desired.mounts),
    before: [],
    unmarked: [],
  };
}

/**
 * What else has to be known because an earlier generation had it, or `null` when `asked` covers everything.
 * Directories that leave are asked for among the paths, so that it is known whether they are empty.
 */
export function requestForLeaving(applied: AppliedIndex, asked: ObserveRequest): ObserveRequest | null {
  const blocks = beyond(keys(applied.blocks), asked.blocks);
  const known = [...asked.paths, ...asked.directories];
  const files = { ...applied.files, ...applied.symlinks };
  const leavingFiles = beyond(keys(files), known);
  const leavingDirectories = beyond(keys(applied.directories), known);
  // What was ours as a whole and has blocks now: they come into what stood there before us.
  const becomeBlocks = keys(files).filter((path) => asked.blocks.includes(path));
  const rest: ObserveRequest = {
    ...EMPTY,
    paths: unique([...leavingFiles, ...leavingDirectories, ...blocks]),
    blocks,
    units: beyond(keys(applied.units), asked.units),
    users: beyond(keys(applied.users), asked.users),
    groups: beyond(unique([...keys(applied.groups), ...earlierGroups(applied)]), asked.groups),
    packages: beyond(keys(applied.packages), asked.packages),
    mounts: beyond(keys(applied.mounts), asked.mounts),
    before: unique([...leavingFiles, ...leavingDirectories, ...becomeBlocks]),
    unmarked: [...leavingFiles, ...becomeBlocks].filter((path) => files[path]?.['adopted'] === undefined),
  };
  const { knownDigest: _knownDigest, ...lists } = rest;
  return Object.values(lists).some((list) => list.length > 0) ? rest : null;
}

/** Primary groups to which users who were there before a generation named them go back. */
function earlierGroups({ users }: AppliedIndex): string[] {
  return Object.values(users ?? {}).flatMap(({ was }) =>
    typeof was === 'object' && was !== null && 'group' in was ? [String(was.group)] : [],
  );
}

/** The bytes that `remote/observe.sh` reads. */
export function encodeRequest(request: ObserveRequest): Buffer {
  const lists = [
    names(request.paths.map(relative)),
    names(request.directories.map(relative)),
    names(request.blocks.map(relative)),
    names(request.units),
    names(request.users),
    names(request.groups),
  ];
  const past = [request.before, request.unmarked].map((list) => names(list.map(relative)));
  const header = [
    'citadel-observe 1',
    request.knownDigest ?? '-',
    ...lists.map((list) => list.length),
    request.packages.length > 0 ? 1 : 0,
    request.mounts.length > 0 ? 1 : 0,
    ...past.map((list) => list.length),
  ].join(' ');
  return Buffer.concat([Buffer.from(`${header}\n`), ...lists, ...past]);
}

/** NUL-terminated UTF-8 names, as xargs -0 takes them. */
export function names(list: readonly string[]): Buffer {
  return Buffer.from(list.map((name) => `${name}\0`).join(''));
}

/** `/etc/fstab` → `./etc/fstab`: no name begins with a dash, and a root prefix is a working directory. */
export function relative(path: string): string {
  return `.${path}`;
}

function keys(section: Readonly<Record<string, unknown>> | undefined): string[] {
  return Object.keys(section ?? {}).sort();
}

function unique(list: readonly string[]): string[] {
  return [...new Set(list)].sort();
}

function beyond(list: readonly string[], known: readonly string[]): string[] {
  const have = new Set(known);
  return list.filter((name) => !have.has(name));
}
