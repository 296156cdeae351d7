import { CitadelError, type HostManifest, type Problem } from '../../manifest/index.js';
import { runReader, type ReadOptions } from '../observe/observe-host.js';
import type { ReadTransport } from '../transport.js';
import { DISKS } from './programs.js';

/** What stands on the source of one mount. */
export interface DiskFound {
  readonly mountPoint: string;
  /** As in fstab: a device, `LABEL=…`, `UUID=…`. */
  readonly source: string;
  readonly wanted: string;
  readonly state: 'filesystem' | 'empty' | 'absent' | 'unknown' | 'other';
  /** Of a filesystem: its type. Of `unknown`: `unreadable`, or blkid's status. */
  readonly detail: string;
  /** The device node; empty where none was found. */
  readonly device: string;
  /** Where it is in use already: mount points, and `swap`. */
  readonly places: readonly string[];
  /** Those of them that an earlier configuration of ours mounted, and an apply unmounts when they are wanted no more. */
  readonly ours: readonly string[];
  /** It is one subvolume among several that may be mounted at once. */
  readonly subvolume: boolean;
}

const US = '\u001f';
const STATES: readonly string[] = ['filesystem', 'empty', 'absent', 'unknown', 'other'];

/** What stands on the disks that a manifest mounts; one read, sorted by mount point. */
export async function readDisks(
  transport: ReadTransport,
  mounts: HostManifest['mounts'],
  options: ReadOptions = {},
): Promise<DiskFound[]> {
  const wanted = Object.entries(mounts ?? {}).sort(([a], [b]) => (a < b ? -1 : 1));
  if (wanted.length === 0) return [];
  const lines = wanted.map(([point, { source }]) => `${point}${US}${source}\n`);
  const output = await runReader(transport, DISKS, Buffer.from(lines.join('')), options);
  return parseDisks(output.toString('utf8'), wanted, transport.description);
}

/** The output of `remote/disks.sh`. */
export function parseDisks(
  output: string,
  wanted: readonly (readonly [
    string,
    { readonly source: string; readonly type: string; readonly options?: readonly string[] | undefined },
  ])[],
  where: string,
): DiskFound[] {
  const lines = output.split('\n');
  const records = lines.slice(1, -2).map((line) => line.split(US));
  const complete =
    lines[0] === 'citadel-disks/2' && lines.at(-2) === 'end' && records.length === wanted.length;
  if (!complete || records.some((fields) => fields.length !== 6 || !STATES.includes(fields[1] ?? ''))) {
    throw new CitadelError({
      code: 'disks.output',
      path: where,
      got: `the host answered something else than asked: ${JSON.stringify(output.slice(0, 120))}`,
      fix: 'Let the start-up files of its shell print nothing when there is no terminal',
    });
  }
  return wanted.map(([mountPoint, { source, type, options = [] }], at) => {
    const [, state, detail = '', device = '', places = '', ours = ''] = records[at] ?? [];
    return {
      mountPoint,
      source,
      wanted: type,
      state: state as DiskFound['state'],
      detail,
      device,
      places: split(places),
      ours: split(ours),
      subvolume: options.some((option) => /^subvol(id)?=/.test(option)),
    };
  });
}

function split(field: string): string[] {
  return field.split('\t').filter((place) => place !== '');
}

/**
 * What has to be done to disks before they can be mounted, by a person: nothing here ever formats one, because an empty
 * answer may as well come from the wrong disk, or from a dying one.
 */
export function diskProblems(host: string, disks: readonly DiskFound[]): Problem[] {
  return disks.flatMap((disk) => {
    const said = problemOf(disk);
    return said === undefined
      ? []
      : [{ code: 'rebuild.disk', path: host, property: `mounts.${disk.mountPoint}`, ...said }];
  });
}

type Said = Pick<Problem, 'got' | 'fix'>;

const LOOK = 'lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID,MOUNTPOINT';

/** As `is_of_system` of `remote/devices.sh`, which an apply asks on the host; a test holds the two together. */
export function isOfSystem(place: string): boolean {
  return ['/', 'swap', '/boot', '/usr', '/var', '/etc'].includes(place) || place.startsWith('/boot/');
}

/** Numbers of disks change with the hardware: the device that is named may be that of the system, or of other data. */
function wrongPlace(disk: DiskFound): Said | undefined {
  const { source, device, mountPoint, places, ours, subvolume } = disk;
  const others = places.filter((place) => place !== mountPoint);
  const system = others.filter(isOfSystem);
  const name = source === device ? source : `${source} (${device})`;
  const find = `Find the disk that is meant, and name it by LABEL=… or UUID=… in the inventory: ${LOOK}`;
  if (subvolume) return undefined;
  if (system.length > 0) {
    return { got: `${name} is in use by the system itself: ${system.join(', ')}`, fix: find };
  }
  const foreign = others.filter((place) => !ours.includes(place));
  if (foreign.length === 0 || places.includes(mountPoint)) return undefined;
  return {
    got: `${name} is mounted at ${foreign.join(', ')}`,
    fix: `${find}. If it is the right one, unmount it there first`,
  };
}

function problemOf(disk: DiskFound): Said | undefined {
  const { source, wanted, state, detail, device, mountPoint, places } = disk;
  const wrong = wrongPlace(disk);
  if (wrong !== undefined) return wrong;
  switch (state) {
    case 'other':
      return undefined;
    case 'filesystem':
      if (detail === wanted) return undefined;
      return {
        got: `${source} holds ${detail}, and not ${wanted}`,
        fix: `Is it the right disk? On the host: lsblk -f ${device}`,
      };
    case 'absent':
      return {
        got: `there is no ${source}`,
        fix:
          'Plug the disk in, or correct the source in the inventory; to find it: lsblk -o NAME,SIZE,FSTYPE,LABEL,UUID. ' +
          `A new disk needs a file system first: sudo mkfs.${wanted} -L ${labelOf(source, mountPoint)} DEVICE`,
      };
    case 'empty':
      if (places.length > 0) {
        return {
          got: `no file system can be seen on ${source}, and it is mounted at ${places.join(', ')}`,
          fix: `Find out what it is: ${LOOK}; journalctl -k -n 50`,
        };
      }
      return {
        got: `${source} has no file system`,
        fix:
          'If it is the right disk and holds nothing that is needed (this DESTROYS what is on it): ' +
          `sudo mkfs.${wanted} -L ${labelOf(source, mountPoint)} ${device}`,
      };
    case 'unknown':
      return {
        got: `no one can tell what is on ${source} (${detail === 'unreadable' ? 'it cannot be read' : `blkid ends with ${detail}`})`,
        fix: `The disk may be failing: sudo blkid -p ${device}; sudo smartctl -a ${device}; journalctl -k -n 50`,
      };
  }
}

/** At most 16 characters of a label: that of the source, else the last part of the mount point. */
function labelOf(source: string, mountPoint: string): string {
  const label = source.startsWith('LABEL=')
    ? source.slice(6)
    : mountPoint.slice(mountPoint.lastIndexOf('/') + 1);
  const plain = label.replace(/[^A-Za-z0-9._-]/g, '').slice(0, 16);
  return plain === '' ? 'LABEL' : plain;
}
