import type { MountSource } from '../../../constructs/host/index.js';
import type { Size } from '../../../constructs/units.js';

/** A formatted disk. Nothing is ever formatted: what is missing is said when an apply mounts it. */
export interface Disk {
  /** Absolute path of the mount point. */
  readonly mountPoint: string;
  readonly source: MountSource;
  /** File system type, such as `ext4`. */
  readonly type: string;
  /** Options of mount(8), one per entry. @default ['defaults'] */
  readonly options?: readonly string[];
  /** Size of the file system, for the budget. @default - unknown, and no budget */
  readonly size?: Size;
}

const KINDS = [
  ['LABEL=', 'label'],
  ['UUID=', 'uuid'],
  ['PARTLABEL=', 'partLabel'],
  ['PARTUUID=', 'partUuid'],
] as const;

/** What an inventory calls a device: `/dev/nvme1n1p1`, `LABEL=citadel-models`, `UUID=…`. */
export function mountSource(device: string): MountSource {
  for (const [prefix, kind] of KINDS) {
    if (device.startsWith(prefix)) return { [kind]: device.slice(prefix.length) } as unknown as MountSource;
  }
  return { device };
}

/** The innermost of the disks that `path` is on, itself included; `undefined` when it is on none of them. */
export function diskOf(path: string, disks: readonly Disk[]): Disk | undefined {
  return disks
    .filter(({ mountPoint }) => path === mountPoint || path.startsWith(`${mountPoint}/`))
    .sort((a, b) => b.mountPoint.length - a.mountPoint.length)[0];
}
