import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { refuseUnknown, type Names } from '../host/known-props.js';
import { SystemdUnit } from '../host/unit.js';
import type { Size } from '../units.js';
import { requireForm } from './forms.js';

export interface SwapProps {
  /** How large its file is. */
  readonly size: Size;
  /** Absolute path of the file, on ext4 or XFS. @default '/swapfile' */
  readonly path?: string;
  /** Which swap is used first: 0 to 32767, higher ones before. @default - the kernel's */
  readonly priority?: number;
}

const NAMES: Names<SwapProps> = { size: true, path: true, priority: true };

/**
 * Swap space in a file: made, in use now and at each boot. When the construct leaves, or an apply is undone, it is taken out of use
 * and the file goes. A change of its size puts what is in it back into memory first, for which there must be room.
 *
 *     new Swap(host, 'swap', { size: Size.gibibytes(4) });
 *     new Sysctl(host, 'swap-use', { settings: { 'vm.swappiness': 10 } });
 */
export class Swap extends Construct {
  readonly unit: SystemdUnit;

  constructor(scope: Construct, id: string, props: SwapProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { path = '/swapfile', size, priority } = props;
    requireForm(
      this,
      'path',
      path,
      /^(?:\/[A-Za-z0-9_.]+)+$/,
      'an absolute path',
      'Use letters, digits, "_" and "."',
    );
    requireForm(
      this,
      'priority',
      priority,
      /^\d{1,4}$|^[12]\d{4}$|^3[01]\d{3}$|^32[0-6]\d\d$|^327[0-5]\d$|^3276[0-7]$/,
      'a priority',
      'Give 0 to 32767',
    );
    const unitName = path.slice(1).replaceAll('/', '-');
    const make = new SystemdUnit(this, 'make', {
      name: `citadel-${unitName}.service`,
      unit: {
        Description: `Make the swap file ${path}`,
        DefaultDependencies: false,
        RequiresMountsFor: path,
        After: 'systemd-remount-fs.service',
        Before: ['swap.target', 'shutdown.target'],
        Conflicts: 'shutdown.target',
      },
      service: {
        Type: 'oneshot',
        RemainAfterExit: true,
        ExecStart: exec(['/bin/sh', '-c', MAKE, 'swap', path, size.toBytes()]),
        // Also at shutdown: it is empty then, and is made again in no time.
        ExecStop: exec(['/bin/rm', '-f', '--', path]),
      },
      install: { WantedBy: 'swap.target' },
    });
    this.unit = new SystemdUnit(this, 'unit', {
      name: `${unitName}.swap`,
      unit: { Description: `Swap file ${path}`, Requires: make.unitName, After: make.unitName },
      swap: { What: path, ...(priority === undefined ? {} : { Priority: priority }) },
      install: { WantedBy: 'swap.target' },
      restartOn: [make],
    });
  }
}

/** Constant; its arguments are path and bytes. Some file systems give holes for fallocate, which swapon refuses. */
const MAKE = [
  'set -e; umask 077',
  '[ ! -e "$1" ] || [ "$(blkid -p -o value -s TYPE -- "$1")" = swap ] || { echo "something else is there, and stays"; exit 1; }',
  'if [ -e "$1" ] && [ "$(stat -c %s -- "$1")" = "$2" ]; then exit 0; fi',
  'rm -f -- "$1"',
  'fallocate -l "$2" -- "$1" || { rm -f -- "$1"; echo "there is no room for it"; exit 1; }',
  'mkswap -- "$1" >/dev/null',
].join('; ');
