import type { AppliedItem, Change, ObservedPath } from '../model.js';
import { holdsSecrets } from '../secrets/mask.js';
import { leavingCause } from './three-way.js';
import type { DiffInput, DiffOutput } from './input.js';
import { isAdopted } from './input.js';
import { PATH_SECTIONS, appliedPath, entryCount, pastSecrets, seenView } from './path-views.js';

type Holds = (item: AppliedItem, seen: ObservedPath | undefined) => boolean;

/**
 * Paths that the last generation had and the desired state has not. Files and links go. A directory goes only when
 * nothing but leaving paths is in it, and when it was not there before it was managed.
 */
export function diffLeavingPaths(input: DiffInput, output: DiffOutput, holds: Holds): void {
  const leaving = leavingPaths(input);
  const gone = new Map<string, number>();
  const remove = (path: string, change: Change): void => {
    output.changes.push(change);
    output.touched.add(path);
    const parent = path.slice(0, path.lastIndexOf('/'));
    gone.set(parent, (gone.get(parent) ?? 0) + 1);
  };
  const directories: string[] = [];
  for (const path of leaving) {
    const seen = input.observed.paths.get(path);
    if (seen === undefined) continue;
    const item = appliedPath(input, path) ?? {};
    if (item['type'] === 'directory') {
      directories.push(path);
      continue;
    }
    if (seen.kind === 'directory') {
      output.notes.push(`${path} left the configuration and stays: it is a directory now, and not ours`);
      continue;
    }
    remove(path, {
      section: item['type'] === 'symlink' ? 'symlinks' : 'files',
      key: path,
      action: 'delete',
      cause: leavingCause(holds(item, seen)),
      before: seenView(seen, holdsSecrets(undefined, pastSecrets(input, path))),
    });
  }
  // The deepest first, so that a tree of empty directories goes as a whole.
  for (const path of directories.sort((a, b) => depth(b) - depth(a) || (a < b ? -1 : 1))) {
    const seen = input.observed.paths.get(path) as ObservedPath;
    const reason = reasonToKeep(input, path, seen, gone.get(path) ?? 0);
    if (reason !== undefined) {
      output.notes.push(`directory ${path} left the configuration and stays: ${reason}`);
      continue;
    }
    const item = appliedPath(input, path) ?? {};
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

function leavingPaths(input: DiffInput): string[] {
  const { desired, applied } = input;
  const paths = new Set(PATH_SECTIONS.flatMap((section) => Object.keys(applied?.[section] ?? {})));
  return [...paths]
    .filter(
      (path) =>
        PATH_SECTIONS.every((section) => desired[section]?.[path] === undefined) &&
        desired.blocks?.[path] === undefined,
    )
    .sort();
}

function reasonToKeep(
  input: DiffInput,
  path: string,
  seen: ObservedPath,
  leavingEntries: number,
): string | undefined {
  if (seen.kind !== 'directory') return 'it is no directory any more';
  const item = appliedPath(input, path);
  if (isAdopted(item)) return 'it was there before it was managed';
  const others = (seen.entries ?? 0) - leavingEntries;
  if (others > 0)
    return `it holds ${entryCount(others)} that ${others === 1 ? 'is' : 'are'} not ours to remove`;
  const below = `${path}/`;
  const sections = [...PATH_SECTIONS, 'blocks', 'mounts'] as const;
  const needed = sections.some((section) =>
    Object.keys(input.desired[section] ?? {}).some((wanted) => wanted.startsWith(below) || wanted === path),
  );
  return needed ? 'the configuration has other paths in it' : undefined;
}

function depth(path: string): number {
  return path.split('/').length;
}
