import type { AppliedIndex, AppliedItem, ObservedPath } from '../model.js';
import type { PastSecrets } from '../secrets/mask.js';
import type { HostState } from './input.js';

export type PathSection = 'directories' | 'files' | 'symlinks';
export const PATH_SECTIONS: readonly PathSection[] = ['directories', 'files', 'symlinks'];

/** What the last generation made of a path, in whichever section it stood then. */
export function appliedPath(input: HostState, path: string): AppliedItem | undefined {
  return appliedPathOf(input.applied, path);
}

/** As {@link appliedPath}, of an index. */
export function appliedPathOf(applied: AppliedIndex | null, path: string): AppliedItem | undefined {
  for (const section of PATH_SECTIONS) {
    const item = applied?.[section]?.[path];
    if (item !== undefined) return item;
  }
  return undefined;
}

/** What the last generation said of the secrets in a file. */
export function pastSecrets(input: HostState, path: string): PastSecrets | undefined {
  const item = input.applied?.files?.[path];
  if (item === undefined) return undefined;
  const { secrets, secret } = item;
  return {
    ...(Array.isArray(secrets) ? { secrets: secrets.map(String) } : {}),
    ...(typeof secret === 'string' ? { secret } : {}),
  };
}

/** @param secret true when even the size would say too much */
export function seenView(seen: ObservedPath, secret: boolean): Readonly<Record<string, unknown>> {
  if (seen.kind === 'symlink') return { type: 'symlink', target: seen.target ?? '' };
  return {
    type: seen.kind,
    owner: seen.owner,
    group: seen.group,
    // As ls(1) marks it.
    mode: seen.acl === true ? `${seen.mode}+` : seen.mode,
    ...(seen.kind === 'file' && !secret ? { size: seen.size } : {}),
  };
}

/** What is lost where a file or link takes the place of a directory. */
export function replacedDirectoryNote(seen: ObservedPath | undefined): { readonly note?: string } {
  const entries = seen?.kind === 'directory' ? (seen.entries ?? 0) : 0;
  if (entries === 0) return {};
  return {
    note: `not empty: ${entryCount(entries)} will go with it, and a copy is kept with the new generation`,
  };
}

/** `3 entries`; counting stops at 1000. */
export function entryCount(entries: number): string {
  if (entries >= 1000) return '1000 entries or more';
  return entries === 1 ? '1 entry' : `${entries} entries`;
}
