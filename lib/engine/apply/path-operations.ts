import { dirname, resolve } from 'node:path/posix';
import type { HostManifest } from '../../manifest/index.js';
import { blockBase } from '../diff/block-base.js';
import { normalBlock } from '../diff/block-text.js';
import { leavingBlockNames } from '../diff/blocks.js';
import { isAdopted } from '../diff/input.js';
import { appliedPathOf } from '../diff/path-views.js';
import type { AppliedItem, Change, HostPlan } from '../model.js';
import { record } from './records.js';

/** One step on one path; `remote/tx-paths.sh` says what each does. */
export type PathOperation =
  | {
      readonly op: 'dir' | 'file' | 'attr';
      readonly path: string;
      readonly owner: string;
      readonly group: string;
      readonly mode: string;
    }
  | { readonly op: 'link'; readonly path: string; readonly target: string }
  | { readonly op: 'original'; readonly path: string; readonly copy: string }
  | ({ readonly op: 'block'; readonly path: string } & BlockContents)
  | { readonly op: 'del' | 'rmdir'; readonly path: string };

/** What becomes of our blocks in one file. */
export interface BlockContents {
  /** Texts of our blocks that are to stand in the file, by name. */
  readonly wanted: ReadonlyMap<string, string>;
  /** Names of those that go. */
  readonly leaving: readonly string[];
}

const PATH_SECTIONS = new Set(['directories', 'files', 'symlinks', 'blocks']);

/**
 * What the changed paths of a plan need, in the order in which it is done: what stands in the way goes first, then
 * directories from the top down, links, files, and last what is no longer wanted, from the bottom up: there what stood
 * before us comes back as well.
 *
 * @param desired the plan's manifest, expanded
 */
export function pathOperations(plan: HostPlan, desired: HostManifest): PathOperation[] {
  const changes = plan.changes.filter((change) => PATH_SECTIONS.has(change.section));
  const returns = (change: Change): boolean => isReturn(change, desired);
  const whole = new Set(
    changes
      .filter(({ section, action }) => section !== 'blocks' && action !== 'delete')
      .map(({ key }) => key),
  );
  // What stands in the place of a file with blocks of ours is put as a whole.
  const puts = changes.filter((change) =>
    change.section === 'blocks' ? !whole.has(change.key) : change.action !== 'delete' && !returns(change),
  );
  const put = puts.map((change) => putOperation(change, plan, desired)).sort(byRankAndPath);
  const kept = new Set(put.map((operation) => operation.path));
  // Below what becomes a link or a file everything goes with its directory; named after that, a path would be looked up
  // through the new link. Below what a person made a link stands something that was never ours.
  const replaced = put.filter(({ op }) => op === 'link' || op === 'file').map(({ path }) => path);
  const ours = plan.observed.applied?.symlinks ?? {};
  const links = [...plan.observed.paths]
    .filter(([path, seen]) => seen.kind === 'symlink' && ours[path]?.['target'] !== seen.target)
    .map(([path]) => path);
  const belowReplaced = belowAny([...replaced, ...links]);
  const removals = changes
    .filter((change) => change.action === 'delete' || returns(change))
    .filter((change) => change.section !== 'blocks' && !kept.has(change.key))
    .filter((change) => !belowReplaced(change.key))
    .map((change) => removal(change, plan))
    .map((operation) => ({ ...operation, path: behindLinks(operation.path, ours) }))
    .sort((a, b) => compare(b.path, a.path));
  const needed = ancestorsOf(put.map(({ path }) => path));
  const inTheWay = ({ op, path }: PathOperation): boolean =>
    (op === 'del' || op === 'dir') && needed.has(path);
  return [...removals.filter(inTheWay), ...put, ...removals.filter((removal) => !inTheWay(removal))];
}

/**
 * Where a path really is that lies below links of ours: what leaves goes from there, because the links may go or be
 * replaced in the same transaction.
 */
function behindLinks(path: string, links: Readonly<Record<string, AppliedItem>>): string {
  for (let end = path.indexOf('/', 1); end > 0; end = path.indexOf('/', end + 1)) {
    const target = links[path.slice(0, end)]?.['target'];
    if (typeof target !== 'string') continue;
    return resolve(dirname(path.slice(0, end)), target) + path.slice(end);
  }
  return path;
}

/** Paths that this generation is the first to name: the host keeps what stands there, whether or not it changes. */
export function adoptedPaths(plan: Pick<HostPlan, 'observed'>, desired: HostManifest): string[] {
  const paths = [desired.directories, desired.files, desired.symlinks, desired.absentPaths].flatMap((items) =>
    Object.keys(items ?? {}),
  );
  return paths.filter((path) => appliedPathOf(plan.observed.applied, path) === undefined).sort(compare);
}

/**
 * Names of our blocks that the last generation had in a path which is ours as a whole now: they do not belong to what
 * stood there before.
 */
export function blocksBefore(plan: Pick<HostPlan, 'observed'>, path: string): string[] {
  return leavingBlockNames(plan.observed.applied?.blocks?.[path], {});
}

/** Whether a change puts back what stood at a path that left, before any generation named it. */
export function isReturn(change: Change, desired: HostManifest): boolean {
  return (
    (change.section === 'files' || change.section === 'symlinks' || change.section === 'directories') &&
    change.action !== 'delete' &&
    desired[change.section]?.[change.key] === undefined
  );
}

function removal(change: Change, plan: HostPlan): PathOperation {
  const path = change.key;
  if (change.action === 'delete') return { op: change.section === 'directories' ? 'rmdir' : 'del', path };
  const copy = plan.observed.before?.get(path)?.copy;
  const seen = copy === undefined ? undefined : plan.observed.paths.get(copy);
  if (copy === undefined || seen === undefined)
    throw new Error(`the plan puts back ${path} but has no copy of it`);
  if (change.section === 'directories') {
    const { owner, group, mode } = seen;
    const isThere = plan.observed.paths.get(path)?.kind === 'directory';
    return { op: isThere ? 'attr' : 'dir', path, owner, group, mode };
  }
  return { op: 'original', path, copy };
}

function putOperation(change: Change, plan: HostPlan, desired: HostManifest): PathOperation {
  const path = change.key;
  switch (change.section) {
    case 'directories': {
      const { owner, group, mode } = wanted(desired.directories, path);
      return { op: 'dir', path, owner, group, mode };
    }
    case 'symlinks':
      return { op: 'link', path, target: wanted(desired.symlinks, path).target };
    case 'blocks': {
      const blocks = desired.blocks?.[path] ?? {};
      const base =
        desired.blocks?.[path] === undefined
          ? undefined
          : blockBase({ applied: plan.observed.applied, observed: plan.observed }, path);
      // All that we wrote there goes, so it is a new file in the place of ours, and the undo brings ours back.
      if (base?.kind === 'nothing') return { op: 'file', path, owner: 'root', group: 'root', mode: '0644' };
      if (base?.kind === 'original') {
        const { owner, group, mode } = base.seen;
        return { op: 'file', path, owner, group, mode };
      }
      const leaving = leavingBlockNames(plan.observed.applied?.blocks?.[path], blocks);
      const wanted = new Map(Object.entries(blocks).map(([name, text]) => [name, normalBlock(text)]));
      return { op: 'block', path, wanted, leaving };
    }
    default: {
      const { owner, group, mode } = wanted(desired.files, path);
      // A plan has the content of what it writes: without, only the owner or the mode is to change.
      return { op: plan.contents.has(path) ? 'file' : 'attr', path, owner, group, mode };
    }
  }
}

/** Paths of files that come in the place of ours and that only blocks of ours stand in: they go with the blocks. */
export function filesForBlocks(plan: HostPlan, desired: HostManifest): string[] {
  const host = { applied: plan.observed.applied, observed: plan.observed };
  return plan.changes
    .filter(({ section, key }) => section === 'blocks' && desired.blocks?.[key] !== undefined)
    .map(({ key }) => key)
    .filter((path) => blockBase(host, path).kind === 'nothing');
}

/**
 * Directories of ours that the configuration no longer declares and has other paths in: from now on they are as those that
 * no one declared, and go when they are empty.
 */
export function parentsFromNow(plan: Pick<HostPlan, 'observed'>, desired: HostManifest): string[] {
  const { applied, before, paths } = plan.observed;
  const sections = [desired.directories, desired.files, desired.symlinks, desired.blocks, desired.mounts];
  const needed = ancestorsOf(sections.flatMap((items) => Object.keys(items ?? {})));
  return Object.entries(applied?.directories ?? {})
    .filter(
      ([path, item]) => needed.has(path) && desired.directories?.[path] === undefined && !isAdopted(item),
    )
    .map(([path]) => path)
    .filter((path) => paths.get(path)?.kind === 'directory' && before?.get(path)?.copy === undefined)
    .sort(compare);
}

function wanted<T>(section: Readonly<Record<string, T>> | undefined, path: string): T {
  const value = section?.[path];
  if (value === undefined) throw new Error(`the plan changes ${path}, which its manifest does not have`);
  return value;
}

const RANK: Readonly<Record<PathOperation['op'], number>> = {
  dir: 0,
  link: 1,
  file: 2,
  block: 2,
  attr: 3,
  rmdir: 4,
  del: 4,
  original: 4,
};

function byRankAndPath(a: PathOperation, b: PathOperation): number {
  return RANK[a.op] - RANK[b.op] || compare(a.path, b.path);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Tells whether a path lies below one of `tops`; the time of an answer does not grow with their number. */
export function belowAny(tops: readonly string[]): (path: string) => boolean {
  const known = new Set(tops);
  return (path) => {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
      if (known.has(path.slice(0, end))) return true;
    return false;
  };
}

/** Every directory on the way to one of `paths`, but for the root. */
export function ancestorsOf(paths: Iterable<string>): ReadonlySet<string> {
  const found = new Set<string>();
  for (const path of paths) {
    for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) {
      const parent = path.slice(0, end);
      if (found.has(parent)) break;
      found.add(parent);
    }
  }
  return found;
}

/** @param blocks files with blocks, in the order of their numbers (`ops/block-N`) */
export function pathRecord(operation: PathOperation, blocks: readonly PathOperation[]): string {
  switch (operation.op) {
    case 'block':
      return record('block', operation.path, blocks.indexOf(operation));
    case 'link':
      return record('link', operation.path, operation.target);
    case 'original':
      return record('original', operation.path, operation.copy);
    case 'del':
    case 'rmdir':
      return record(operation.op, operation.path);
    default:
      return record(operation.op, operation.path, operation.owner, operation.group, operation.mode);
  }
}

/** What `remote/tx-blocks.sh` reads of one file with blocks: their lines, and the names of those that go. */
export function blockText({ wanted, leaving }: BlockContents): string {
  const texts = [...wanted]
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([name, text]) => [
      `w ${name}\n`,
      ...text
        .split('\n')
        .slice(0, -1)
        .map((line) => `t ${line}\n`),
    ]);
  return [...texts, ...leaving.map((name) => `r ${name}\n`)].join('');
}
