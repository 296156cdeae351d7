import type { HostInventory, Inventory } from '../../inventory/index.js';
import type { RebootCare } from '../../site/index.js';
import { pinnedCuda } from './driver/cuda.js';
import './keys.js';
import { ModelServices } from './model-services.js';

/** One call of CUDA on each GPU, by the PyTorch that the models use. */
const CUDA_CALL =
  'import sys, torch; n = torch.cuda.device_count(); [torch.ones(1, device=i).item() for i in range(n)]; ' +
  'sys.exit(None if n >= int(sys.argv[1]) else f"PyTorch sees {n} of {sys.argv[1]} GPUs")';

/** Models end their requests before a GPU node reboots; afterwards its GPUs must be there, for the driver and for PyTorch. */
export function rebootCare({ ai }: HostInventory, texts: Inventory['texts']): RebootCare | undefined {
  if (ai === undefined) return undefined;
  const requirements = ai.vllm === undefined ? undefined : texts[ai.vllm.requirements];
  return {
    drain: [ModelServices.TARGET],
    proofs: [
      { name: 'nvidia-smi', command: ['nvidia-smi', '-L'] },
      ...(pinnedCuda(requirements ?? '') === undefined
        ? []
        : [
            {
              name: 'a CUDA call of PyTorch',
              command: [`${ai.environment}/bin/python`, '-c', CUDA_CALL, String(ai.gpus.length)],
            },
          ]),
    ],
  };
}
