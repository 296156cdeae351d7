import { Construct } from 'constructs';
import { exec, loadTemplate } from '../../render/index.js';
import { HostFile, SystemdUnit } from '../../constructs/host/index.js';
import { HARDENED } from '../../constructs/operations/index.js';
import { Duration } from '../../constructs/units.js';

export interface GpuSettingsProps {
  /** The GPUs of the host, in the driver's order. */
  readonly gpus: readonly {
    /** @default - the card's own */
    readonly powerLimitWatts?: number | undefined;
  }[];
  /** Unit that finds out whether the driver can work, and the path that is there then. @default - it can */
  readonly driver?: { readonly unitName: string; readonly ready: string } | undefined;
  /** Target that it is started and stopped with. @default 'multi-user.target' */
  readonly partOf?: string;
  /** @default 0 */
  readonly wave?: number;
}

const SCRIPT = 'opt/citadel/scripts/set-gpus';
const STATE = '/run/citadel-gpu/before';

/**
 * `citadel-gpu.service`: persistence mode on and power limits set while it is active; what was there before comes back when it
 * stops. Fails where the driver shows fewer GPUs than there should be.
 */
export class GpuSettings extends Construct {
  static readonly UNIT = 'citadel-gpu.service';

  readonly unitName = GpuSettings.UNIT;
  readonly script: HostFile;

  constructor(scope: Construct, id: string, props: GpuSettingsProps) {
    super(scope, id);
    const { gpus, driver, partOf, wave = 0 } = props;
    this.script = new HostFile(this, 'script', {
      path: `/${SCRIPT}`,
      content: loadTemplate(`ai-node/${SCRIPT}`).text,
      mode: '0755',
    });
    // Debian loads it on demand only, by a program that a hardened service may not be: at boot, before any of them.
    new HostFile(this, 'modules', {
      path: '/etc/modules-load.d/citadel-nvidia.conf',
      lines: ['nvidia-uvm'],
    });
    const limits = gpus.flatMap(({ powerLimitWatts }, index) =>
      powerLimitWatts === undefined ? [] : [`${index}=${powerLimitWatts}`],
    );
    new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: 'Persistence mode and power limits of the GPUs',
        ...(driver === undefined
          ? { After: 'nvidia-persistenced.service' }
          : {
              After: ['nvidia-persistenced.service', driver.unitName],
              Wants: driver.unitName,
              ConditionPathExists: driver.ready,
            }),
        ...(partOf === undefined ? {} : { PartOf: partOf }),
      },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        RemainAfterExit: true,
        // The devices' numbers must be known when models start: what they may open is looked up then. As root, outside the
        // sandbox; a host without the program makes them otherwise.
        ExecStartPre: exec(['/usr/bin/nvidia-modprobe', '-c0', '-u'], { prefix: '-+' }),
        ExecStart: exec([this.script.path, 'apply', STATE, gpus.length, ...limits]),
        ExecStop: exec([this.script.path, 'restore', STATE]),
        TimeoutStartSec: Duration.minutes(3),
        TimeoutStopSec: Duration.minutes(3),
        RuntimeDirectory: 'citadel-gpu',
        // The driver wants an administrator for both settings; its tools keep sockets and locks in /run.
        CapabilityBoundingSet: 'CAP_SYS_ADMIN',
        ProtectSystem: 'full',
        PrivateDevices: false,
        DevicePolicy: 'closed',
        DeviceAllow: 'char-nvidia* rw',
        MemoryDenyWriteExecute: false,
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      restartOn: [this.script],
      wave,
    });
  }
}
