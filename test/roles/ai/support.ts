import { ModelServices, type ModelProps, type ModelServicesProps } from '../../../lib/roles/ai/index.js';
import { Size, UserAccount, type Host } from '../../../lib/constructs/index.js';

/** A model that is well: 7 GiB of weights on GPU 0. */
export function model(over: Partial<ModelProps> = {}): ModelProps {
  return {
    environment: '/opt/citadel/vllm-env',
    directory: '/opt/citadel/models/some-model',
    weights: Size.gibibytes(7),
    requiresMount: '/mnt/citadel-models/active',
    address: '10.0.0.1',
    port: 11400,
    reach: 'any',
    gpus: [0],
    gpuMemoryUtilization: 0.3,
    ...over,
  };
}

/** Two GPUs of 80 GiB with `models`. */
export function withModels(
  models: Readonly<Record<string, ModelProps>>,
  more: Partial<ModelServicesProps> = {},
): (host: Host) => void {
  const memory = Size.gibibytes(80);
  return (host) => {
    new UserAccount(host, 'agent0', { name: 'agent0' });
    new ModelServices(host, 'models', { gpus: [{ memory }, { memory }], models, ...more });
  };
}

/** A model without a share of its GPU's memory. */
export function shareless(over: Partial<ModelProps> = {}): ModelProps {
  const { gpuMemoryUtilization: _share, ...rest } = model(over);
  return rest;
}
