import type { ModelProps } from '../lib/constructs/ai/index.js';
import { Duration, Size, secret, type PortReach } from '../lib/constructs/index.js';
import type { AiInventory, ModelServiceInventory } from '../lib/inventory/index.js';

export interface ModelContext {
  readonly ai: AiInventory;
  /** Who may use the models. */
  readonly reach: PortReach;
  /** IP address of the host. */
  readonly address: string | undefined;
}

/** What the inventory says of one model, as the construct wants it. */
export function modelProps(model: ModelServiceInventory, { ai, reach, address }: ModelContext): ModelProps {
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
