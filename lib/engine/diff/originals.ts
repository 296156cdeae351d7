import type { AppliedItem, ObservedPath } from '../model.js';
import { holdsSecrets } from '../secrets/mask.js';
import type { HostState } from './input.js';
import { pastSecrets } from './path-views.js';

/** What becomes of a file or link that leaves; `restore`: what stood there before, a directory with nothing in it included. */
export type Fate =
  | { readonly kind: 'restore' }
  | { readonly kind: 'leave'; readonly reason: string }
  | { readonly kind: 'remove'; readonly note?: string };

/**
 * A file or link that leaves: what stood there before us is put back. Without a copy of it, the path is left alone
 * unless we know that we made it and no package owns it. Our own content with a secret in it is never left behind.
 *
 * @param needed whether the configuration has paths below it
 */
export function whatBecomes(input: HostState, path: string, item: AppliedItem, needed: boolean): Fate {
  const before = input.observed.before?.get(path);
  if (directoryBefore(input, path) !== undefined && before?.made !== true) return { kind: 'restore' };
  if (originalOf(input, path) !== undefined) {
    if (!needed) return { kind: 'restore' };
    const note = `what stood here before stays in ${before?.copy ?? ''}: the configuration has paths below`;
    return { kind: 'remove', note };
  }
  if (needed) return { kind: 'remove' };
  const reason = reasonToLeave(item, before?.made === true, before?.owner);
  if (reason === undefined) return { kind: 'remove' };
  if (!holdsSecrets(undefined, pastSecrets(input, path))) return { kind: 'leave', reason };
  return { kind: 'remove', note: `${reason}; it goes because it holds a secret` };
}

function reasonToLeave(item: AppliedItem, made: boolean, owner: string | undefined): string | undefined {
  if (owner !== undefined)
    return `it belongs to the package ${owner}, and no copy of its own version is kept`;
  if (made || item['adopted'] === false) return undefined;
  return item['adopted'] === true
    ? 'something stood there before it was managed, and no copy of that is kept'
    : 'an older version of citadel-iac managed it first, and it is not known what stood there before';
}

/** The file or link that stood at a path before us, as far as a copy of it is kept. */
export function originalOf(input: HostState, path: string): ObservedPath | undefined {
  const copy = copyOf(input, path);
  return copy?.kind === 'directory' ? undefined : copy;
}

/** The directory that stood at a path before us, as far as its owner and mode are kept; what was in it is not. */
export function directoryBefore(input: HostState, path: string): ObservedPath | undefined {
  const copy = copyOf(input, path);
  return copy?.kind === 'directory' ? copy : undefined;
}

function copyOf(input: HostState, path: string): ObservedPath | undefined {
  const copy = input.observed.before?.get(path)?.copy;
  return copy === undefined ? undefined : input.observed.paths.get(copy);
}

/** Whether nothing has to be done to put the original back. */
export function standsAsBefore(seen: ObservedPath, original: ObservedPath): boolean {
  if (seen.kind !== original.kind) return false;
  if (seen.kind === 'symlink')
    return seen.target === original.target && seen.targetBytes === original.targetBytes;
  return (
    seen.sha256 === original.sha256 &&
    seen.mode === original.mode &&
    seen.uid === original.uid &&
    seen.gid === original.gid
  );
}
