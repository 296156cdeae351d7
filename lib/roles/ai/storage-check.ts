import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { SystemdUnit, type PathLike } from '../../constructs/host/index.js';
import { HARDENED } from '../../constructs/operations/index.js';
import { Duration } from '../../constructs/units.js';

export interface StorageCheckProps {
  /** Mount points that it waits for. @default [] */
  readonly mounts?: readonly string[];
  /** Settings and library of the program. @default [] */
  readonly restartOn?: readonly PathLike[];
  /** Target that it is started and stopped with. @default 'multi-user.target' */
  readonly partOf?: string;
  /** @default 0 */
  readonly wave?: number;
}

const PROGRAM = '/opt/citadel/scripts/storage_manager.py';

/**
 * `citadel-storage.service`: before models start, links of ours are repaired, and disks, directories, links and weights are
 * looked at. It fails with words that say what to do.
 */
export class StorageCheck extends Construct {
  static readonly UNIT = 'citadel-storage.service';

  readonly unitName = StorageCheck.UNIT;

  constructor(scope: Construct, id: string, props: StorageCheckProps = {}) {
    super(scope, id);
    const { mounts = [], partOf, restartOn = [], wave = 0 } = props;
    new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: 'Disks, directories and links of the models',
        ...(partOf === undefined ? {} : { PartOf: partOf }),
        // Not RequiresMountsFor=: a disk that is missing shall be named by the program, which then must run.
        After: ['local-fs.target', ...[...new Set(mounts)].sort().map(mountUnit)],
      },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        RemainAfterExit: true,
        // A link that cannot be repaired is found again, and named, by the check.
        ExecStartPre: exec([PROGRAM, 'repair-symlinks'], { prefix: '-' }),
        ExecStart: exec([PROGRAM, 'verify-prereq']),
        TimeoutStartSec: Duration.minutes(2),
        // Links stand in directories of the account, and their owner is kept.
        CapabilityBoundingSet: 'CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER',
        // To say of a disk that is not mounted whether it has a file system.
        PrivateDevices: false,
        DevicePolicy: 'closed',
        DeviceAllow: 'block-* r',
        // As strict as can be without making disks read-only: whether they are is one of the questions.
        ProtectSystem: 'full',
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      restartOn: [PROGRAM, ...restartOn],
      wave,
    });
  }
}

/** `/mnt/citadel-models` → `mnt-citadel\\x2dmodels.mount`, as systemd-escape(1) writes it. */
function mountUnit(path: string): string {
  const escaped = Array.from(Buffer.from(path.slice(1)), (byte, index) => {
    const character = String.fromCharCode(byte);
    if (character === '/') return '-';
    if (/[A-Za-z0-9:_]/.test(character) || (character === '.' && index > 0)) return character;
    return `\\x${byte.toString(16).padStart(2, '0')}`;
  });
  return `${escaped.join('') || '-'}.mount`;
}
