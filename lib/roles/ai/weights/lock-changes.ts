import type { LockChange } from '../../../site/index.js';
import { order } from '../../../text/order.js';
import type { LockedFiles } from './lock-file.js';

/** Files that were added, removed or have other bytes, by path. */
export function fileChanges(before: LockedFiles, after: LockedFiles): LockChange[] {
  const paths = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort(order);
  return paths.flatMap((path) => {
    const was = Object.hasOwn(before, path) ? before[path] : undefined;
    const is = Object.hasOwn(after, path) ? after[path] : undefined;
    if (was?.sha256 === is?.sha256 && was?.size === is?.size) return [];
    return [
      {
        path,
        ...(was === undefined ? {} : { before: was.size }),
        ...(is === undefined ? {} : { after: is.size }),
      },
    ];
  });
}
