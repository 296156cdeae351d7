import { Construct } from 'constructs';
import { environment, exec, words } from '../../render/index.js';
import { HealthCheck, Port, SystemdUnit, type PortReach } from '../host/index.js';
import { Duration } from '../units.js';

export interface ModelServiceProps {
  /** Account that runs it. */
  readonly account: string;
  /** Python environment that has vLLM: `<environment>/bin/vllm`. */
  readonly environment: string;
  /** Directory of the weights. */
  readonly directory: string;
  /** A path on the disk that holds the weights; the service waits for its mount. */
  readonly requiresMount: string;
  /** Address that it listens on; vLLM's own default would be every interface. */
  readonly address: string;
  readonly port: number;
  /** Who may use its API. */
  readonly reach: PortReach;
  /** Name in API requests and in metrics. @default - the construct's id */
  readonly servedName?: string;
  /** GPUs that it sees, in the driver's numbers. */
  readonly gpus: readonly number[];
  /** Share of each GPU's memory, above 0 and at most 1. vLLM's own default (0.92) leaves no room for a neighbour. */
  readonly gpuMemoryUtilization: number;
  /** Context length in tokens. @default - what the model says */
  readonly maxModelLen?: number;
  /** @default - as the weights say */
  readonly quantization?: string;
  /** `boot`: with the machine; `manual`: only by hand. @default 'boot' */
  readonly start?: 'boot' | 'manual';
  /** The script that waits for `/health`, called with a URL and seconds. */
  readonly waiter: { readonly path: string };
  /** How long weights may take to load. @default Duration.minutes(15) */
  readonly loadTimeout?: Duration;
  /** The target that groups model services. */
  readonly partOf: { readonly unitName: string };
  /** Model services that must have loaded before this one starts: those on the same GPU. @default [] */
  readonly after?: readonly string[];
  /** @default 1 */
  readonly wave?: number;
}

/**
 * One vLLM server: `citadel-<id>.service`. It counts as started when `/health` answers, so that services on one GPU
 * load one after another (two at once mis-measure each other's memory).
 */
export class ModelService extends Construct {
  /** `citadel-phi3.service` of a service that is called `phi3`. */
  static unitName(id: string): string {
    return `citadel-${id}.service`;
  }

  readonly unitName: string;

  constructor(scope: Construct, id: string, props: ModelServiceProps) {
    super(scope, id);
    const { loadTimeout = Duration.minutes(15), wave = 1, start = 'boot' } = props;
    this.unitName = ModelService.unitName(id);
    const health = `http://${props.address}:${props.port}/health`;
    const cache = `citadel/${id}`;
    const unit = new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: `Citadel model service ${id}`,
        After: ['network-online.target', ...(props.after ?? [])],
        Wants: 'network-online.target',
        PartOf: props.partOf.unitName,
        RequiresMountsFor: words([props.requiresMount]),
        StartLimitIntervalSec: Duration.hours(1),
        StartLimitBurst: 4,
      },
      service: {
        Type: 'exec',
        User: props.account,
        Environment: environment({
          CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
          CUDA_VISIBLE_DEVICES: [...props.gpus].sort((a, b) => a - b).join(','),
          // The home directory is out of sight; everything that is cached goes where systemd makes room for it.
          HOME: `/var/cache/${cache}`,
          // Nothing is fetched or reported at run time.
          HF_HUB_OFFLINE: '1',
          VLLM_NO_USAGE_STATS: '1',
        }),
        CacheDirectory: cache,
        WorkingDirectory: `/var/cache/${cache}`,
        ExecStart: exec([
          `${props.environment}/bin/vllm`,
          'serve',
          props.directory,
          ...serveFlags(id, props),
        ]),
        ExecStartPost: exec([props.waiter.path, health, loadTimeout.toSeconds()]),
        TimeoutStartSec: Duration.seconds(loadTimeout.toSeconds() + 30),
        TimeoutStopSec: Duration.minutes(1),
        Restart: 'on-failure',
        RestartSec: Duration.seconds(10),
        LimitNOFILE: 65_536,
        // The account may use sudo; this process and its children may not.
        NoNewPrivileges: true,
        CapabilityBoundingSet: '',
        ProtectSystem: 'strict',
        ProtectHome: true,
        PrivateTmp: true,
        ProtectControlGroups: true,
        ProtectKernelLogs: true,
        ProtectKernelModules: true,
        ProtectKernelTunables: true,
        ProtectHostname: true,
        LockPersonality: true,
        RestrictNamespaces: true,
        RestrictRealtime: true,
        RestrictSUIDSGID: true,
        RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
        SystemCallArchitectures: 'native',
        UMask: '0027',
        // Left out: PrivateDevices and ProtectClock (both hide the GPU), MemoryDenyWriteExecute (kernels are compiled).
      },
      install: { WantedBy: props.partOf.unitName },
      enabled: start === 'boot',
      state: start === 'boot' ? 'running' : 'any',
      wave,
    });
    new Port(this, 'port', { number: props.port, listener: unit, reach: props.reach });
    if (start === 'boot') {
      new HealthCheck(this, 'healthy', { name: `model-${id}`, probe: { http: health }, wave });
    }
  }
}

function serveFlags(id: string, props: ModelServiceProps): (string | number)[] {
  const flags: (string | number)[] = [
    '--host',
    props.address,
    '--port',
    props.port,
    '--served-model-name',
    props.servedName ?? id,
    '--gpu-memory-utilization',
    props.gpuMemoryUtilization,
  ];
  if (props.gpus.length > 1) flags.push('--tensor-parallel-size', props.gpus.length);
  if (props.maxModelLen !== undefined) flags.push('--max-model-len', props.maxModelLen);
  if (props.quantization !== undefined) flags.push('--quantization', props.quantization);
  return flags;
}
