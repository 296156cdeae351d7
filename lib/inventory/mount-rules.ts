import type { Problem } from '../manifest/index.js';
import { formatPath } from './describe-issue.js';
import { isMap, type Source } from './raw.js';

/**
 * One disk cannot be two: what is meant for the second would be written to the first. Subvolumes of btrfs may be mounted
 * side by side.
 */
export function checkMounts(source: Source, path: readonly string[], mounts: unknown): Problem[] {
  if (!isMap(mounts)) return [];
  const seen = new Map<string, string>();
  return Object.entries(mounts).flatMap(([point, mount]) => {
    if (!isMap(mount) || typeof mount['device'] !== 'string' || isSubvolume(mount['options'])) return [];
    const disk = nameOf(mount['device']);
    const first = seen.get(disk);
    if (first === undefined) {
      seen.set(disk, point);
      return [];
    }
    const at = [...path, point, 'device'];
    return {
      code: 'inventory.mount.twice',
      path: source.locate(at),
      property: formatPath(at),
      got: `${mount['device']} is mounted at ${first} already`,
      fix: 'Name another disk, or take one of the two mounts out.',
    };
  });
}

function isSubvolume(options: unknown): boolean {
  return (
    Array.isArray(options) &&
    options.some((option) => typeof option === 'string' && /^subvol(id)?=/.test(option))
  );
}

/** The links of udev name the same disks as the words of fstab. */
function nameOf(device: string): string {
  const [, kind, value] = /^\/dev\/disk\/by-(label|uuid|partlabel|partuuid)\/(.+)$/.exec(device) ?? [];
  return kind === undefined ? device : `${kind.toUpperCase()}=${value ?? ''}`;
}
