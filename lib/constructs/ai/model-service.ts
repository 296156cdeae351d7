import { Construct } from 'constructs';
import { environment, exec, specifier, unitText, words } from '../../render/index.js';
import {
  addRule,
  HealthCheck,
  HostFile,
  Port,
  SystemdUnit,
  type OwnProblem,
  type PathLike,
  type PortReach,
} from '../host/index.js';
import type { SecretRef } from '../secret.js';
import { Duration, type Size } from '../units.js';
import { engineFlagProblems } from './engine-flag-rules.js';
import { serveArguments, type EngineFlags } from './engine-flags.js';
import { GPU_HARDENING, LOOPBACK_ONLY } from './hardening.js';
import { LanProxy } from './lan-proxy.js';
import { loadTime } from './load-time.js';

export interface ModelServiceProps {
  /** Account that runs it. */
  readonly account: string;
  /** Python environment that has vLLM: `<environment>/bin/python` and `<environment>/bin/vllm`. */
  readonly environment: string;
  /**
   * Whether the environment may be made after this unit's file is looked at: the host's systemd refuses a unit whose program
   * is not there yet. The process is the same one. @default false
   */
  readonly environmentIsLater?: boolean;
  /** Directory of the weights. */
  readonly directory: string;
  /** Size of that directory. */
  readonly weights: Size;
  /** GPU memory that the weights take, where they are quantised while loading. @default - `weights` */
  readonly gpuWeights?: Size;
  /** A path on the disk that holds the weights; the service waits for its mount. */
  readonly requiresMount: string;
  /** IP address of the host that it answers on as well. @default - the loopback only */
  readonly address?: string;
  readonly port: number;
  /** Who may use its API. */
  readonly reach: PortReach;
  /** Name in API requests and in metrics. @default - the construct's id */
  readonly servedName?: string;
  /** GPUs that it sees, in the driver's numbers. */
  readonly gpus: readonly number[];
  /** GPUs that the model is split over; only their whole number can be meant. @default - the number of `gpus` */
  readonly tensorParallel?: number;
  /** Share of each GPU's memory, above 0 and at most 1. @default 0.92 (vLLM's own, which leaves no room for a neighbour) */
  readonly gpuMemoryUtilization?: number;
  /** Context length in tokens. @default - what the model says */
  readonly maxModelLen?: number;
  /** @default - as the weights say */
  readonly quantization?: string;
  /** @default {} */
  readonly flags?: EngineFlags;
  /** `boot`: with the machine; `manual`: only by hand. @default 'boot' */
  readonly start?: 'boot' | 'manual';
  /** Names of models that cannot run at the same time: starting one stops the others. @default [] */
  readonly conflicts?: readonly string[];
  /** How long a start may take. @default - `loadTime(weights)` */
  readonly loadTimeout?: Duration;
  /** What requests must present. @default - no key */
  readonly apiKey?: SecretRef;
  /** For what the weights refer to on the Hugging Face hub; with it, the service may reach the network. @default - offline */
  readonly huggingFaceToken?: SecretRef;
  /** Revision of the model that the directory holds. */
  readonly revision?: string;
  /** A waiver to run Python code that comes with the weights, and the commit of it that was reviewed. @default - never */
  readonly trustRemoteCode?: { readonly reason: string; readonly revision: string };
  /** The scripts of `ModelScripts`. */
  readonly scripts: Readonly<Record<'waiter' | 'backOff' | 'launcher', { readonly path: string }>>;
  /** The target that groups model services. */
  readonly partOf: { readonly unitName: string };
  /** Units that are started with it and before it. @default [] */
  readonly dependsOn?: readonly string[];
  /** Model services that must have loaded before this one starts: those on the same GPU. @default [] */
  readonly after?: readonly string[];
  /** Files whose change restarts it. @default [] */
  readonly restartOn?: readonly PathLike[];
  /** @default 1 */
  readonly wave?: number;
}

/** Root-only files whose whole content is a secret. systemd hands them to services; a `Directory` of 0700 is due for it. */
const CREDENTIALS = '/etc/citadel/credentials';
/** The back-off of a service that fails again and again, at its longest. */
const LONGEST_BACK_OFF = Duration.minutes(5);

/**
 * One vLLM server: `citadel-<id>.service`, on the loopback, and with an `address` on that as well
 * (`citadel-<id>-lan.socket`). It counts as started when `/health` answers, so that services on one GPU load one after
 * another (two at once mis-measure each other's memory).
 *
 * Its process also answers to `pkill -f vllm.entrypoints.openai.api_server`: the words stand in a `-X` option, which Python
 * keeps for whoever asks and otherwise ignores.
 */
export class ModelService extends Construct {
  static readonly CREDENTIALS = CREDENTIALS;
  /** vLLM's own share of a GPU's memory, where none is given. */
  static readonly DEFAULT_SHARE = 0.92;

  /** `citadel-phi3.service` of a service that is called `phi3`. */
  static unitName(id: string): string {
    return `citadel-${id}.service`;
  }

  readonly unitName: string;
  /** How long a start may take, without the waiting after failures. */
  readonly loadTimeout: Duration;
  /** Root-only file of the API key, if it needs one. */
  readonly apiKeyFile: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ModelServiceProps,
  ) {
    super(scope, id);
    const { wave = 1, start = 'boot', address } = props;
    const lan = address === undefined ? undefined : `citadel-${id}-lan`;
    this.unitName = ModelService.unitName(id);
    this.loadTimeout = props.loadTimeout ?? loadTime(props.weights);
    const credentials = this.addCredentials(id);
    this.apiKeyFile = credentials.find(({ name }) => name === 'api-key')?.file.path;
    const unit = new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: `Citadel model service ${id}`,
        ...this.relations(lan),
        PartOf: props.partOf.unitName,
        RequiresMountsFor: words([props.requiresMount]),
        StartLimitIntervalSec: Duration.hours(1),
        StartLimitBurst: 10,
      },
      service: {
        ...this.process(id, credentials),
        ...this.lifetime(),
        LimitNOFILE: 65_536,
        LimitMEMLOCK: 'infinity',
        TasksMax: 8192,
        OOMPolicy: 'kill',
        // When memory runs out, a model is easier to start again than what watches it.
        OOMScoreAdjust: 300,
        ...GPU_HARDENING,
        ...(props.huggingFaceToken === undefined ? LOOPBACK_ONLY : {}),
      },
      install: { WantedBy: props.partOf.unitName },
      enabled: start === 'boot',
      state: start === 'boot' ? 'running' : 'any',
      restartOn: [...credentials.map(({ file }) => file), ...(props.restartOn ?? [])],
      wave,
    });
    if (lan === undefined || address === undefined) {
      new Port(this, 'port', { number: props.port, listener: unit, reach: 'loopback' });
    } else {
      new LanProxy(this, 'lan', {
        name: lan,
        description: `Citadel model service ${id}`,
        address,
        port: props.port,
        reach: props.reach,
        of: this.unitName,
      });
    }
    if (start === 'boot') {
      new HealthCheck(this, 'healthy', {
        name: `model-${id}`,
        probe: { http: `http://${urlHost(address ?? '127.0.0.1')}:${props.port}/health` },
        wave,
      });
    }
    addRule(this, () => this.problems());
  }

  private relations(lan: string | undefined) {
    const { dependsOn = [], after = [], conflicts = [] } = this.props;
    return {
      After: ['network-online.target', ...dependsOn, ...after],
      Wants: ['network-online.target', ...dependsOn, ...(lan === undefined ? [] : [`${lan}.socket`])],
      ...(conflicts.length === 0
        ? {}
        : { Conflicts: [...conflicts].sort().map((name) => ModelService.unitName(name)) }),
    };
  }

  private process(id: string, credentials: readonly Credential[]) {
    const { props } = this;
    const cache = `citadel/${id}`;
    const launcher =
      props.apiKey !== undefined
        ? [props.scripts.launcher.path]
        : props.environmentIsLater === true
          ? ['/usr/bin/env']
          : [];
    return {
      Type: 'exec',
      User: props.account,
      Environment: [
        ...environment({
          CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
          CUDA_VISIBLE_DEVICES: [...props.gpus].sort((a, b) => a - b).join(','),
          // The home directory is out of sight; everything that is cached goes where systemd makes room for it.
          HOME: `/var/cache/${cache}`,
          // Processes of one model talk to each other; left alone, they would do so on the host's own address.
          VLLM_HOST_IP: '127.0.0.1',
          GLOO_SOCKET_IFNAME: 'lo',
          NCCL_SOCKET_IFNAME: 'lo',
          // Nothing is reported at run time, and without a token nothing is fetched.
          VLLM_NO_USAGE_STATS: '1',
          ...(props.huggingFaceToken === undefined ? { HF_HUB_OFFLINE: '1' } : {}),
        }),
        // The hub's library reads the file itself, so the token never is in an environment.
        ...(props.huggingFaceToken === undefined
          ? []
          : [unitText('HF_TOKEN_PATH=', specifier('%d/hugging-face-token'))]),
      ],
      ...(credentials.length === 0
        ? {}
        : { LoadCredential: credentials.map(({ name, file }) => `${name}:${file.path}`) }),
      CacheDirectory: cache,
      CacheDirectoryMode: '0750',
      WorkingDirectory: `/var/cache/${cache}`,
      RuntimeDirectory: cache,
      RuntimeDirectoryPreserve: 'restart',
      ExecStart: exec([
        ...launcher,
        `${props.environment}/bin/python`,
        '-X',
        'answers-to=vllm.entrypoints.openai.api_server',
        `${props.environment}/bin/vllm`,
        'serve',
        props.directory,
        ...serveArguments({
          ...props,
          servedName: props.servedName ?? id,
          gpuMemoryUtilization: props.gpuMemoryUtilization ?? ModelService.DEFAULT_SHARE,
          codeRevision: props.trustRemoteCode?.revision,
          flags: props.flags ?? {},
        }),
      ]),
    };
  }

  private lifetime() {
    const { port, scripts } = this.props;
    const loadSec = this.loadTimeout.toSeconds();
    return {
      ExecStartPre: exec([scripts.backOff.path]),
      ExecStartPost: exec([scripts.waiter.path, `http://127.0.0.1:${port}/health`, loadSec]),
      TimeoutStartSec: Duration.seconds(LONGEST_BACK_OFF.toSeconds() + loadSec + 30),
      TimeoutStopSec: Duration.seconds(30),
      // The server ends its own workers; what is left when it has gone is killed at once.
      KillMode: 'mixed',
      Restart: 'always',
      RestartSec: Duration.seconds(5),
    };
  }

  private addCredentials(id: string): Credential[] {
    const { apiKey, huggingFaceToken } = this.props;
    const file = (name: string, secret: SecretRef): Credential => ({
      name,
      file: new HostFile(this, name, { path: `${CREDENTIALS}/${id}-${name}`, secret, mode: '0600' }),
    });
    return [
      ...(apiKey === undefined ? [] : [file('api-key', apiKey)]),
      ...(huggingFaceToken === undefined ? [] : [file('hugging-face-token', huggingFaceToken)]),
    ];
  }

  private problems(): OwnProblem[] {
    const { gpus, tensorParallel, trustRemoteCode, flags = {} } = this.props;
    const problems = engineFlagProblems(flags);
    if (tensorParallel !== undefined && tensorParallel !== gpus.length) {
      problems.push({
        code: 'construct.model.tensor-parallel',
        property: 'tensorParallel',
        got: `${tensorParallel} is not the number of its GPUs, ${gpus.length} (${gpus.join(', ')})`,
        fix: 'Give it as many GPUs as it is split over, or leave tensorParallel out',
      });
    }
    if (new Set(gpus).size !== gpus.length) {
      problems.push({
        code: 'construct.model.gpu-twice',
        property: 'gpus',
        got: `a GPU stands in the list twice (${gpus.join(', ')})`,
        fix: 'Name each once',
      });
    }
    if (trustRemoteCode !== undefined && !/^[0-9a-f]{40}$/.test(trustRemoteCode.revision)) {
      problems.push({
        code: 'construct.model.remote-code',
        property: 'trustRemoteCode.revision',
        got: `${JSON.stringify(trustRemoteCode.revision)} can become other code than what was reviewed`,
        fix: 'Give the commit, 40 hexadecimal digits',
      });
    }
    return problems;
  }
}

interface Credential {
  readonly name: string;
  readonly file: HostFile;
}

function urlHost(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
