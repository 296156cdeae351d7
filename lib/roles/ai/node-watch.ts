import { posix } from 'node:path';
import { Construct } from 'constructs';
import { exec, words } from '../../render/index.js';
import {
  AptPackage,
  HealthCheck,
  Port,
  SystemdUnit,
  type PathLike,
  type PortReach,
} from '../../constructs/host/index.js';
import { HARDENED } from '../../constructs/operations/index.js';
import { SMART_READ_EVERY } from '../../constructs/intervals.js';
import { Duration } from '../../constructs/units.js';

export interface NodeWatchProps {
  /** Account that the programs run as. */
  readonly account: string;
  /** IP address of the host that metrics are served on, besides the loopback. @default - the loopback only */
  readonly address?: string;
  /** Port of the metrics. @default 8000 */
  readonly port?: number;
  /** Port of the exporter's own health. @default 8001 */
  readonly healthPort?: number;
  /** Who may read both. */
  readonly reach: PortReach;
  /** Where `*.prom` files go. */
  readonly textfiles: string;
  /**
   * Files with the API keys of models, which only root reads: handed over as credentials of the files' names, for without its
   * key a model cannot be asked for a token. @default []
   */
  readonly apiKeyFiles?: readonly string[];
  /** Settings and library of the programs: their change restarts what runs. @default [] */
  readonly restartOn?: readonly PathLike[];
  /** Target that the services are started and stopped with. @default 'multi-user.target' */
  readonly partOf?: string;
  /** @default 2 */
  readonly wave?: number;
}

const BIN = '/usr/local/bin';
const SCRIPTS = '/opt/citadel/scripts';

/**
 * What watches an AI node: `citadel-monitor.service` (metrics.json, alerts.json, restarts of dead models),
 * `citadel-metrics-exporter.service` for Prometheus, and a timer that reads the disks' health.
 */
export class NodeWatch extends Construct {
  static readonly MONITOR = 'citadel-monitor.service';
  /** Of the exporter; the operations guide has it written down. */
  static readonly METRICS_PORT = 8000;
  static readonly EXPORTER = 'citadel-metrics-exporter.service';

  /** Debian packages that the programs import. */
  static readonly PACKAGES: readonly string[] = [
    'python3',
    'python3-prometheus-client',
    'python3-psutil',
    'python3-rich',
    'smartmontools',
  ];

  constructor(scope: Construct, id: string, props: NodeWatchProps) {
    super(scope, id);
    for (const name of NodeWatch.PACKAGES) new AptPackage(this, `package-${name}`, { name });
    this.addExporter(props);
    this.addMonitor(props);
    this.addSmart(props);
  }

  private addExporter(props: NodeWatchProps): void {
    const { address, port = NodeWatch.METRICS_PORT, healthPort = 8001, partOf, wave = 2 } = props;
    const addresses = [...new Set(['127.0.0.1', ...(address === undefined ? [] : [address])])];
    const unit = new SystemdUnit(this, 'exporter', {
      name: NodeWatch.EXPORTER,
      unit: {
        Description: 'Metrics of the AI node for Prometheus',
        After: 'network-online.target',
        Wants: 'network-online.target',
        ...together(partOf),
        // It is tried again for ever: nothing else would say that it is gone.
        StartLimitIntervalSec: 0,
      },
      service: {
        ...service(props),
        ExecStart: exec([
          `${BIN}/citadel-metrics-exporter`,
          ...addresses.flatMap((each) => ['--listen', each]),
          '--port',
          port,
          '--health-port',
          healthPort,
        ]),
        WatchdogSec: Duration.minutes(1),
        // Nothing that it measures may starve the models.
        Nice: 5,
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      restartOn: [
        `${BIN}/citadel-metrics-exporter`,
        ...(props.apiKeyFiles ?? []),
        ...(props.restartOn ?? []),
      ],
      wave,
    });
    const reach = address === undefined ? 'loopback' : props.reach;
    new Port(this, 'port', { number: port, listener: unit, reach });
    new Port(this, 'health-port', { number: healthPort, listener: unit, reach });
    new HealthCheck(this, 'healthy', {
      name: 'metrics-exporter',
      probe: { http: `http://127.0.0.1:${healthPort}/health` },
      wave,
    });
  }

  private addMonitor(props: NodeWatchProps): void {
    const { partOf, wave = 2, restartOn = [], apiKeyFiles = [] } = props;
    new SystemdUnit(this, 'monitor', {
      name: NodeWatch.MONITOR,
      unit: {
        Description: 'Watches the AI node and restarts models that are up but dead',
        ...together(partOf),
        StartLimitIntervalSec: 0,
      },
      service: {
        ...service(props),
        ExecStart: exec([`${BIN}/citadel-monitor`]),
        WatchdogSec: Duration.minutes(2),
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      restartOn: [`${BIN}/citadel-monitor`, ...apiKeyFiles, ...restartOn],
      wave,
    });
    new HealthCheck(this, 'monitor-active', {
      name: 'monitor',
      probe: { unit: NodeWatch.MONITOR },
      wave,
    });
  }

  private addSmart({ textfiles, wave = 2 }: NodeWatchProps): void {
    new SystemdUnit(this, 'smart', {
      name: 'citadel-smart.service',
      unit: { Description: 'Health of the disks for Prometheus' },
      service: {
        ...HARDENED,
        Type: 'oneshot',
        ExecStart: exec([`${SCRIPTS}/collect_smart.py`]),
        TimeoutStartSec: Duration.minutes(5),
        // Commands to disks need the raw device, and for NVMe an administrator.
        CapabilityBoundingSet: 'CAP_SYS_RAWIO CAP_SYS_ADMIN',
        PrivateDevices: false,
        DevicePolicy: 'closed',
        DeviceAllow: ['block-* rw', 'char-nvme rw', 'char-nvme-generic rw'],
        PrivateNetwork: true,
        ReadWritePaths: words([textfiles]),
        UMask: '0022',
        Nice: 10,
        IOSchedulingClass: 'idle',
      },
    });
    new SystemdUnit(this, 'smart-timer', {
      name: 'citadel-smart.timer',
      unit: { Description: 'Reads the health of the disks every hour' },
      timer: {
        OnActiveSec: Duration.minutes(1),
        OnUnitActiveSec: SMART_READ_EVERY,
        AccuracySec: Duration.minutes(1),
      },
      install: { WantedBy: 'timers.target' },
      wave,
    });
  }
}

function together(partOf: string | undefined) {
  return partOf === undefined ? {} : { PartOf: partOf };
}

/** A program that runs for ever as the account, talks to the models and the GPUs' driver, and asks systemd by polkit. */
function service({ account, apiKeyFiles = [] }: NodeWatchProps) {
  return {
    ...HARDENED,
    Type: 'notify',
    User: account,
    // They may not gain privileges, so that sudo, by which people's programs read keys, is not for them.
    ...(apiKeyFiles.length === 0
      ? {}
      : { LoadCredential: [...apiKeyFiles].sort().map((path) => `${posix.basename(path)}:${path}`) }),
    // Everything read-only would hide which disk is, and mounts of their own in a service keep a disk from being unmounted.
    ProtectSystem: 'full',
    Restart: 'always',
    RestartSec: Duration.seconds(5),
    TimeoutStopSec: Duration.seconds(15),
    // The driver's devices are seen, and no others. Its libraries are not ours to say how they use memory.
    PrivateDevices: false,
    DevicePolicy: 'closed',
    DeviceAllow: 'char-nvidia* rw',
    MemoryDenyWriteExecute: false,
    RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  } as const;
}
