import type { AiInventory, ModelServiceInventory } from '../../inventory/index.js';
import type { PortReach } from '../host/index.js';
import { secret } from '../secret.js';
import { Duration, Size } from '../units.js';
import type { ModelProps } from './model-services.js';
import type { PythonEnvironment } from './python-environment.js';

export interface ModelContext {
  readonly ai: AiInventory;
  /** Who may use the models. */
  readonly reach: PortReach;
  /** IP address of the host. */
  readonly address: string | undefined;
  /** The environment, where the host itself makes it. */
  readonly environment: PythonEnvironment | undefined;
}

/** What the inventory says of one model, as the construct wants it. */
export function modelProps(model: ModelServiceInventory, context: ModelContext): ModelProps {
  const { ai, reach, address, environment } = context;
  return {
    account: ai.account,
    environment: ai.environment,
    directory: `/opt/citadel/models/${model.directory}`,
    weights: gibibytes(model.weightsGiB),
    requiresMount: ai.modelsDirectory,
    port: model.port,
    reach,
    gpus: model.gpus,
    flags: model.flags,
    start: model.start,
    conflicts: model.conflicts,
    ...(environment === undefined ? {} : { environmentIsLater: true, restartOn: [environment.changes] }),
    ...(address === undefined ? {} : { address }),
    ...(model.gpuWeightsGiB === undefined ? {} : { gpuWeights: gibibytes(model.gpuWeightsGiB) }),
    ...(model.servedName === undefined ? {} : { servedName: model.servedName }),
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

/** An inventory gives GiB with a fraction; a size is whole bytes. */
export function gibibytes(amount: number): Size {
  return Size.bytes(Math.round(amount * 1024 ** 3));
}
