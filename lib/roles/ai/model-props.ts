import type { AiInventory, ModelServiceInventory } from './schema/ai.js';
import type { LanInventory } from './schema/lan.js';
import type { LanSettings } from './lan/index.js';
import type { PortReach } from '../../constructs/host/index.js';
import { secret } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
import type { ModelProps } from './model-services.js';
import type { PythonEnvironment } from './python-environment.js';
import type { EnvironmentInventory } from './schema/environment.js';
import type { Variables } from './service-environment.js';

export interface ModelContext {
  readonly ai: AiInventory;
  /** Who may use the models. */
  readonly reach: PortReach;
  /** IP address of the host. */
  readonly address: string | undefined;
  /** The environment, where the host itself makes it. */
  readonly environment: PythonEnvironment | undefined;
  /** A path that is there once the driver can work, where the host installs it. */
  readonly driverIsReady?: string | undefined;
  /** Version of vLLM that the environment is made from, where that is known. */
  readonly vllmVersion?: string | undefined;
}

const MODELS = '/opt/citadel/models';

/** What the inventory says of one model, as the construct wants it. */
export function modelProps(model: ModelServiceInventory, context: ModelContext): ModelProps {
  const { ai, reach, address, environment, vllmVersion, driverIsReady } = context;
  const [servedName, ...aliases] =
    typeof model.servedName === 'string' ? [model.servedName] : (model.servedName ?? []);
  return {
    environment: ai.environment,
    directory: `${MODELS}/${model.directory}`,
    weights: gibibytes(model.weightsGiB),
    requiresMount: ai.modelsDirectory,
    port: model.port,
    reach,
    gpus: model.gpus,
    flags: { ...model.flags, loraModules: adapters(model.flags.loraModules) },
    ...(vllmVersion === undefined ? {} : { vllmVersion }),
    ...(driverIsReady === undefined ? {} : { driverIsReady }),
    ...(model.environment === undefined ? {} : { variables: variables(model.environment) }),
    ...(model.shutdownTimeoutSec === undefined
      ? {}
      : { shutdownTimeout: Duration.seconds(model.shutdownTimeoutSec) }),
    start: model.start,
    conflicts: model.conflicts,
    ...(environment === undefined ? {} : { environmentIsLater: true, restartOn: [environment.changes] }),
    ...(address === undefined ? {} : { address }),
    ...(model.weights === undefined
      ? {}
      : { weightsAreFetched: { hasToken: model.weights.token !== undefined } }),
    ...(model.gpuWeightsGiB === undefined ? {} : { gpuWeights: gibibytes(model.gpuWeightsGiB) }),
    ...(servedName === undefined ? {} : { servedName, aliases }),
    ...(model.tensorParallel === undefined ? {} : { tensorParallel: model.tensorParallel }),
    ...(model.gpuMemoryUtilization === undefined ? {} : { gpuMemoryUtilization: model.gpuMemoryUtilization }),
    ...(model.maxModelLen === undefined ? {} : { maxModelLen: model.maxModelLen }),
    ...(model.quantization === undefined ? {} : { quantization: model.quantization }),
    ...(model.loadTimeoutSec === undefined ? {} : { loadTimeout: Duration.seconds(model.loadTimeoutSec) }),
    ...(model.apiKey === undefined ? {} : { apiKey: secret(model.apiKey) }),
    ...(ai.huggingFaceToken === undefined ? {} : { huggingFaceToken: secret(ai.huggingFaceToken) }),
    ...(model.revision === undefined ? {} : { revision: model.revision }),
    ...(model.trustRemoteCode === undefined ? {} : { trustRemoteCode: model.trustRemoteCode }),
  };
}

/** What the inventory says of the LAN side, as the construct wants it. */
export function lanSettings(lan: LanInventory, scrapers: PortReach, announced: boolean): LanSettings {
  return {
    paths: lan.paths,
    keys: Object.fromEntries(Object.entries(lan.keys).map(([name, key]) => [name, secret(key)])),
    ...(lan.tls === undefined
      ? {}
      : { tls: { certificate: secret(lan.tls.certificate), key: secret(lan.tls.key) } }),
    maxBody: Size.mebibytes(lan.maxBodyMiB),
    idleTimeout: Duration.seconds(lan.idleTimeoutSec),
    maxRequests: lan.maxRequests,
    maxQueued: lan.maxQueued,
    scrapers,
    announced,
  };
}

function adapters(given: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(given).map(([name, folder]) => [name, `${MODELS}/${folder}`]));
}

function variables(given: EnvironmentInventory): Variables {
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      typeof value === 'object' ? secret(value.secret) : value,
    ]),
  );
}

/** An inventory gives GiB with a fraction; a size is whole bytes. */
export function gibibytes(amount: number): Size {
  return Size.bytes(Math.round(amount * 1024 ** 3));
}
