import { staysAsItIs } from '../../manifest/rules/reserved.js';
import type { AppliedItem, Change, ObservedPath } from '../model.js';
import { holdsSecrets } from '../secrets/mask.js';
import { leavingCause } from './three-way.js';
import type { DiffInput, DiffOutput } from './input.js';
import { isAdopted } from './input.js';
import { directoryBefore, originalOf, standsAsBefore, whatBecomes } from './originals.js';
import { PATH_SECTIONS, appliedPath, entryCount, pastSecrets, seenView } from './path-views.js';

type Holds = (item: AppliedItem, seen: ObservedPath | undefined) => boolean;

/**
 * Paths that the last generation had and the desired state has not. What stood there before us is put back; files and
 * links of ours go. A directory goes only when nothing but leaving paths is in it, and when it was not there before it
 * was managed: one that was gets its owner and mode back.
 */
export function diffLeavingPaths(input: DiffInput, output: DiffOutput, holds: Holds): void {
  const leaving = leavingPaths(input);
  const needed = neededPaths(input);
  const gone = new Map<string, Set<string>>();
  const remove = (path: string, change: Change): void => {
    output.changes.push(change);
    output.touched.add(path);
    // A directory on the way to it that no one declared goes with it, if it is empty by then.
    for (let child = path; child !== ''; child = child.slice(0, child.lastIndexOf('/'))) {
      const parent = child.slice(0, child.lastIndexOf('/'));
      gone.set(parent, (gone.get(parent) ?? new Set()).add(child));
    }
  };
  const isSecret = (path: string): boolean => holdsSecrets(undefined, pastSecrets(input, path));
  const restore = (path: string, item: AppliedItem, seen: ObservedPath | undefined): void => {
    const original = originalOf(input, path) ?? directoryBefore(input, path);
    if (original === undefined) return;
    if (seen !== undefined && standsAsBefore(seen, original)) {
      output.notes.push(`${path} left the configuration and stays: it is as it was before it was managed`);
      return;
    }
    output.changes.push({
      section: SECTION_OF[original.kind],
      key: path,
      action: seen === undefined ? 'create' : 'update',
      cause: leavingCause(holds(item, seen)),
      ...(seen === undefined ? {} : { before: seenView(seen, isSecret(path)) }),
      after: seenView(original, false),
      note: 'what stood here before it was managed is put back',
    });
    output.touched.add(path);
  };
  const directories: string[] = [];
  for (const path of leaving) {
    const seen = input.observed.paths.get(path);
    if (staysAsItIs(path)) {
      if (seen !== undefined)
        output.notes.push(
          `${path} left the configuration and stays: it is not on the disk, or not a document's to hold`,
        );
      continue;
    }
    const item = appliedPath(input, path) ?? {};
    if (item['type'] === 'absent') {
      // What came since is no matter of ours.
      if (seen === undefined && !needed.has(path)) restore(path, item, seen);
      continue;
    }
    if (item['type'] === 'directory') {
      if (seen !== undefined) directories.push(path);
      continue;
    }
    if (seen?.kind === 'directory') {
      output.notes.push(`${path} left the configuration and stays: it is a directory now, and not ours`);
      continue;
    }
    const fate = whatBecomes(input, path, item, needed.has(path));
    if (fate.kind === 'restore') {
      restore(path, item, seen);
    } else if (seen === undefined) {
      continue;
    } else if (fate.kind === 'leave') {
      output.notes.push(`${path} left the configuration and stays as it is: ${fate.reason}`);
    } else {
      remove(path, {
        section: item['type'] === 'symlink' ? 'symlinks' : 'files',
        key: path,
        action: 'delete',
        cause: leavingCause(holds(item, seen)),
        before: seenView(seen, isSecret(path)),
        ...(fate.note === undefined ? {} : { note: fate.note }),
      });
    }
  }
  // The deepest first, so that a tree of empty directories goes as a whole.
  for (const path of directories.sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1))) {
    const seen = input.observed.paths.get(path) as ObservedPath;
    const before = directoryBefore(input, path);
    if (before !== undefined && seen.kind === 'directory' && !holds({ ...seenView(before, false) }, seen)) {
      output.changes.push({
        section: 'directories',
        key: path,
        action: 'update',
        cause: leavingCause(holds(appliedPath(input, path) ?? {}, seen)),
        before: seenView(seen, false),
        after: seenView(before, false),
        note: 'owner and mode go back to what they were before it was managed',
      });
      continue;
    }
    const reason = reasonToKeep(input, path, seen, gone.get(path)?.size ?? 0, needed.has(path));
    if (reason !== undefined) {
      output.notes.push(`directory ${path} left the configuration and stays: ${reason}`);
      continue;
    }
    const item = appliedPath(input, path) ?? {};
    if (originalOf(input, path) !== undefined) {
      restore(path, item, seen);
      continue;
    }
    remove(path, {
      section: 'directories',
      key: path,
      action: 'delete',
      cause: leavingCause(holds(item, seen)),
      before: seenView(seen, false),
      note: 'removed only if it is empty by then',
    });
  }
}

const SECTION_OF = { directory: 'directories', file: 'files', symlink: 'symlinks', other: 'files' } as const;

function leavingPaths(input: DiffInput): string[] {
  const { desired, applied } = input;
  const paths = new Set(PATH_SECTIONS.flatMap((section) => Object.keys(applied?.[section] ?? {})));
  return [...paths]
    .filter(
      (path) =>
        PATH_SECTIONS.every((section) => desired[section]?.[path] === undefined) &&
        desired.blocks?.[path] === undefined &&
        desired.absentPaths?.[path] === undefined,
    )
    .sort();
}

function reasonToKeep(
  input: DiffInput,
  path: string,
  seen: ObservedPath,
  leavingEntries: number,
  needed: boolean,
): string | undefined {
  if (seen.kind !== 'directory') return 'it is no directory any more';
  const item = appliedPath(input, path);
  if (isAdopted(item) || directoryBefore(input, path) !== undefined)
    return 'it was there before it was managed';
  const others = (seen.entries ?? 0) - leavingEntries;
  if (others > 0)
    return `it holds ${entryCount(others)} that ${others === 1 ? 'is' : 'are'} not ours to remove`;
  return needed ? 'the configuration has other paths in it' : undefined;
}

/** Every path of the configuration, and every directory above one. */
function neededPaths(input: DiffInput): ReadonlySet<string> {
  const needed = new Set<string>();
  for (const section of [...PATH_SECTIONS, 'blocks', 'mounts'] as const) {
    for (const wanted of Object.keys(input.desired[section] ?? {})) {
      for (let path = wanted; path !== '' && !needed.has(path); path = path.slice(0, path.lastIndexOf('/')))
        needed.add(path);
    }
  }
  return needed;
}

function depth(path: string): number {
  return path.split('/').length;
}
