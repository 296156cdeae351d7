import { Construct } from 'constructs';
import { environment, exec, specifier, unitText, words } from '../../render/index.js';
import {
  addRule,
  HealthCheck,
  HostFile,
  Port,
  SystemdUnit,
  UserAccount,
  type OwnProblem,
  type PathLike,
  type PortReach,
} from '../../constructs/host/index.js';
import type { SecretRef } from '../../constructs/secret.js';
import { Duration, type Size } from '../../constructs/units.js';
import { urlHost } from '../../text/address.js';
import { engineFlagProblems } from './engine-flag-rules.js';
import { serveArguments, type EngineFlags } from './engine-flags.js';
import { GPU_HARDENING, LOOPBACK_ONLY } from './hardening.js';
import { hasFlag } from './known-flags.js';
import { loadTime } from './load-time.js';
import { modelAccount, MODELS_GROUP } from './model-account.js';
import {
  plainVariables,
  secretVariables,
  VARIABLE_CREDENTIAL,
  variableProblems,
  type Variables,
} from './service-environment.js';
import { defaultShare } from './vllm-version.js';

export interface ModelServiceProps {
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
  /** The host fetches them: it starts once they are there, and no apply fails for weights that are not. @default - someone put them there */
  readonly weightsAreFetched?: { readonly hasToken: boolean };
  /** A path that is there once the driver of the GPUs can work: it starts then, and no apply fails for a reboot that is due. @default - it can */
  readonly driverIsReady?: string;
  /** GPU memory that the weights take, where they are quantised while loading. @default - `weights` */
  readonly gpuWeights?: Size;
  /** A path on the disk that holds the weights; the service waits for its mount. */
  readonly requiresMount: string;
  /** IP address of the host that it is reached at, through the LAN side. @default - the loopback only */
  readonly address?: string;
  readonly port: number;
  /** Who may use its API. */
  readonly reach: PortReach;
  /** Name in API requests and in metrics. @default - the construct's id */
  readonly servedName?: string;
  /** Further names in API requests. @default [] */
  readonly aliases?: readonly string[];
  /** Version of vLLM in the environment: which flags it knows, and its defaults. @default - any that is known */
  readonly vllmVersion?: string;
  /** GPUs that it sees, in the driver's numbers. */
  readonly gpus: readonly number[];
  /** GPUs that the model is split over; only their whole number can be meant. @default - the number of `gpus` */
  readonly tensorParallel?: number;
  /** Share of each GPU's memory, above 0 and at most 1. @default - vLLM's own, 0.92 from 0.20, which leaves no room for a neighbour */
  readonly gpuMemoryUtilization?: number;
  /** Context length in tokens: a number, `32k`, or `auto`. @default - what the model says */
  readonly maxModelLen?: number | string;
  /** @default - as the weights say */
  readonly quantization?: string;
  /** @default {} */
  readonly flags?: EngineFlags;
  /** Environment variables of the server. @default {} */
  readonly variables?: Variables;
  /** For requests to end in when it stops; zero cuts them off. @default Duration.seconds(20), where that vLLM can */
  readonly shutdownTimeout?: Duration;
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
  readonly scripts: Readonly<
    Record<'waiter' | 'backOff' | 'launcher' | 'lanSide', { readonly path: string }>
  >;
  /** The target that groups model services. */
  readonly partOf: { readonly unitName: string };
  /** The unit that carries it to `address`, and whether it speaks TLS. @default - nothing does */
  readonly lan?: { readonly unitName: string; readonly tls: boolean };
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
/** Script of the gate of a model that may have to wait for its weights, or for the driver. */
const GATE = '/opt/citadel/scripts/model-gate';
/** The back-off of a service that fails again and again, at its longest. */
const LONGEST_BACK_OFF = Duration.minutes(5);
const SHUTDOWN = Duration.seconds(20);

/**
 * One vLLM server: `citadel-<id>.service`, on the loopback; `LanSide` carries it to an `address` of the host. It counts as
 * started when `/health` answers, so that services on one GPU load one after another (two at once mis-measure each other's
 * memory).
 *
 * It runs as an account of its own, {@link ModelService.account}, in the group `citadel-models`, which `ModelServices` make: code that
 * comes with one model's weights reads no other's key, cache or memory, and nothing of a person's account.
 *
 * Its process also answers to `pkill -f vllm.entrypoints.openai.api_server`: the words stand in a `-X` option, which Python
 * keeps for whoever asks and otherwise ignores.
 */
export class ModelService extends Construct {
  static readonly CREDENTIALS = CREDENTIALS;
  /** `citadel-phi3.service` of a service that is called `phi3`. */
  static unitName(id: string): string {
    return `citadel-${id}.service`;
  }

  readonly unitName: string;
  /** Account that runs it. */
  readonly account: string;
  /** How long a start may take, without the waiting after failures. */
  readonly loadTimeout: Duration;
  /** Share of each GPU's memory that it takes. */
  readonly share: number;
  /** Root-only file of the API key, if it needs one. */
  readonly apiKeyFile: string | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ModelServiceProps,
  ) {
    super(scope, id);
    const { wave = 1, start = 'boot', address, lan } = props;
    this.unitName = ModelService.unitName(id);
    // Cards may be open to the group "video" alone (NVreg_DeviceFileMode=0660), which Debian's base has.
    this.account = new UserAccount(this, 'account', {
      name: modelAccount(id),
      system: true,
      groups: [MODELS_GROUP, 'video'],
    }).userName;
    this.share = props.gpuMemoryUtilization ?? defaultShare(props.vllmVersion);
    this.loadTimeout = props.loadTimeout ?? loadTime(props.weights);
    const credentials = this.addCredentials(id);
    this.apiKeyFile = credentials.find(({ name }) => name === 'api-key')?.file.path;
    const unit = new SystemdUnit(this, 'unit', {
      name: this.unitName,
      unit: {
        Description: `Citadel model service ${id}`,
        ...this.relations(),
        PartOf: props.partOf.unitName,
        RequiresMountsFor: words([props.requiresMount]),
        ...(props.driverIsReady === undefined ? {} : { ConditionPathExists: props.driverIsReady }),
        // The folder appears in one step, whole.
        ...(props.weightsAreFetched === undefined ? {} : { ConditionPathIsDirectory: props.directory }),
        StartLimitIntervalSec: Duration.hours(1),
        StartLimitBurst: 10,
      },
      service: {
        ...this.process(id, credentials),
        ...this.lifetime(id),
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
    // The same number on both addresses; the LAN side listens on the host's.
    const reach = lan === undefined ? 'loopback' : props.reach;
    new Port(this, 'port', { number: props.port, listener: unit, reach });
    if (start === 'boot') {
      // Through the LAN side, as clients come; its certificate is for them to judge.
      const at = lan === undefined || lan.tls ? '127.0.0.1' : (address ?? '127.0.0.1');
      const url = `http://${urlHost(at)}:${props.port}/health`;
      new HealthCheck(this, 'healthy', {
        name: `model-${id}`,
        ...(props.weightsAreFetched === undefined && props.driverIsReady === undefined
          ? { probe: { http: url } }
          : // Weights may arrive while the apply runs: then it is loading.
            { probe: { command: [GATE, this.unitName, url] }, timeout: this.loadTimeout }),
        wave,
      });
    }
    addRule(this, () => this.problems());
  }

  private relations() {
    const { dependsOn = [], after = [], conflicts = [], lan } = this.props;
    return {
      After: ['network-online.target', ...dependsOn, ...after],
      Wants: ['network-online.target', ...dependsOn, ...(lan === undefined ? [] : [lan.unitName])],
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
        : secretVariables(props.variables ?? {}).length > 0
          ? [props.scripts.launcher.path, '-n']
          : props.environmentIsLater === true
            ? ['/usr/bin/env']
            : [];
    return {
      Type: 'exec',
      User: this.account,
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
          ...plainVariables(props.variables ?? {}),
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
          gpuMemoryUtilization: this.share,
          codeRevision: props.trustRemoteCode?.revision,
          shutdownTimeoutSec: this.shutdownSec(),
          flags: props.flags ?? {},
        }),
      ]),
    };
  }

  /** Undefined where nothing is said and the version, which may be unknown, need not have the flag. */
  private shutdownSec(): number | undefined {
    const { shutdownTimeout, vllmVersion } = this.props;
    if (shutdownTimeout !== undefined) return shutdownTimeout.toSeconds();
    const can = vllmVersion !== undefined && hasFlag('--shutdown-timeout', vllmVersion);
    return can ? SHUTDOWN.toSeconds() : undefined;
  }

  private lifetime(id: string) {
    const { port, scripts, lan } = this.props;
    // As root, who alone may ask the proxy: code of a model may not.
    const side = (what: string) => exec([scripts.lanSide.path, what, id], { prefix: '-+' });
    const loadSec = this.loadTimeout.toSeconds();
    return {
      ExecStartPre: exec([scripts.backOff.path]),
      ExecStartPost: [
        exec([scripts.waiter.path, `http://127.0.0.1:${port}/health`, loadSec]),
        ...(lan === undefined ? [] : [side('open')]),
      ],
      // New requests are answered by the LAN side (503, come again) while the server ends those that it has.
      ...(lan === undefined ? {} : { ExecStop: side('close') }),
      TimeoutStartSec: Duration.seconds(LONGEST_BACK_OFF.toSeconds() + loadSec + 30),
      // Ten seconds more than requests get: systemd's limit cuts off what is left.
      TimeoutStopSec: Duration.seconds(Math.max(30, (this.shutdownSec() ?? 0) + 10)),
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
      ...secretVariables(this.props.variables ?? {}).map(([name, value]) =>
        file(`${VARIABLE_CREDENTIAL}${name}`, value),
      ),
    ];
  }

  private problems(): OwnProblem[] {
    const { gpus, tensorParallel, trustRemoteCode, flags = {}, variables = {} } = this.props;
    const problems = [
      ...engineFlagProblems({
        ...this.props,
        flags,
        version: this.props.vllmVersion,
        shutdownTimeoutSec: this.props.shutdownTimeout?.toSeconds(),
      }),
      ...variableProblems(variables),
    ];
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
