import type { ObservedPath } from '../model.js';
import { isAdopted, type HostState } from './input.js';
import { originalOf, whatBecomes } from './originals.js';
import { appliedPath } from './path-views.js';

/** Into which content our blocks come. */
export type BlockBase =
  /** The file as it stands on the host: that of others. */
  | { readonly kind: 'live' }
  /** Until now the path was a file, link or directory of ours: what stood there before us. */
  | { readonly kind: 'original'; readonly copy: string; readonly seen: ObservedPath }
  /** The same, where nothing stood there before. */
  | { readonly kind: 'nothing' };

/**
 * A file, link or directory of ours that becomes blocks in a file of others leaves as any other: nothing that we wrote there
 * stays next to the blocks. Only where it may not be taken away (no copy of before is kept) they come into the file as it is.
 */
export function blockBase(input: HostState, path: string): BlockBase {
  const last = appliedPath(input, path);
  if (last === undefined) return { kind: 'live' };
  const seen = input.observed.paths.get(path);
  // What a person put in its place is not ours to take away for a block.
  if (seen !== undefined && seen.kind !== 'file' && seen.kind !== last['type']) return { kind: 'live' };
  // A directory is marked only where it was there before.
  const item = last['type'] === 'directory' ? { ...last, adopted: isAdopted(last) } : last;
  switch (whatBecomes(input, path, item, false).kind) {
    case 'leave':
      return { kind: 'live' };
    case 'remove':
      return { kind: 'nothing' };
    case 'restore': {
      const original = originalOf(input, path);
      const copy = input.observed.before?.get(path)?.copy;
      if (original === undefined || copy === undefined) return { kind: 'live' };
      return { kind: 'original', copy, seen: original };
    }
  }
}
