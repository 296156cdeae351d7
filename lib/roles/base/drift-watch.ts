import { Construct } from 'constructs';
import { exec, words } from '../../render/index.js';
import { SystemdUnit } from '../../constructs/host/index.js';
import { DRIFT_CHECK_EVERY } from '../../constructs/intervals.js';
import { Duration } from '../../constructs/units.js';
import { HARDENED } from '../../constructs/operations/hardening.js';

export interface DriftWatchProps {
  /** Directory of node exporter's textfiles. */
  readonly textfiles: string;
  /** Declared mount points: the sandbox must not make them look other than they are. @default [] */
  readonly mounts?: readonly string[];
}

/** The engine's own, kept with every generation: `engine/remote/back-main.sh`. */
const PROGRAM = '/var/lib/citadel-iac/current/bin/back.sh';

/**
 * The host compares itself with the state as its current generation left it, from a timer, and says in node exporter's terms how many managed
 * items differ: a hand edit becomes an alert, without anybody asking the host.
 */
export class DriftWatch extends Construct {
  constructor(scope: Construct, id: string, props: DriftWatchProps) {
    super(scope, id);
    const { mounts = [] } = props;
    new SystemdUnit(this, 'service', {
      name: 'citadel-drift.service',
      // The timer of a host that has been up for long elapses as soon as it starts: before the first generation is there.
      unit: {
        Description: 'Comparison of this host with what was deployed',
        ConditionPathExists: PROGRAM,
      },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        ExecStart: exec(['/bin/sh', PROGRAM, '-', 'drift', '--textfiles', props.textfiles]),
        TimeoutStartSec: Duration.minutes(5),
        Nice: 10,
        // Generations are root's, and managed files may be anybody's; home directories are looked at, not written.
        CapabilityBoundingSet: 'CAP_DAC_READ_SEARCH',
        ProtectHome: 'read-only',
        // Else declared mounts would seem to be read-only, or nosuid, which systemd makes of them where no privilege can be had.
        NoNewPrivileges: false,
        // A disk is known by its UUID, which is read from the disk.
        PrivateDevices: false,
        DevicePolicy: 'closed',
        DeviceAllow: 'block-* r',
        ReadWritePaths: words([props.textfiles, ...[...mounts].sort().map((path) => `-${path}`)]),
        UMask: '0022',
      },
      enabled: null,
      state: 'any',
    });
    new SystemdUnit(this, 'timer', {
      name: 'citadel-drift.timer',
      unit: { Description: 'Comparisons of this host with what was deployed' },
      timer: {
        OnBootSec: Duration.minutes(3),
        OnUnitActiveSec: DRIFT_CHECK_EVERY,
        RandomizedDelaySec: Duration.seconds(30),
      },
      install: { WantedBy: 'timers.target' },
    });
  }
}
