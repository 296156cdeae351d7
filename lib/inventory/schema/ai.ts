import { z } from 'zod';
import { absolutePath } from '../../manifest/index.js';
import { accountSchema, tcpPort } from './reach.js';

/** One component of a path: a folder name. */
const folderName = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,126}$/, 'is not a folder name: letters, digits, ".", "_" and "-"');

const modelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'is not a model name: a-z, 0-9 and "-", starting with a letter');

/** One vLLM service. Clashes (ports, GPU memory) are the constructs' to find: they know the rest of the host. */
export const modelServiceSchema = z.strictObject({
  port: tcpPort('TCP port of the model’s HTTP API'),
  directory: folderName.describe('Folder of the weights, inside modelsDirectory'),
  servedName: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,126}$/, 'is not a served model name')
    .optional()
    .describe('Name in API requests (default: the service’s name)'),
  gpus: z
    .array(z.number().int().min(0).max(63))
    .min(1)
    .describe('Numbers of the GPUs it runs on, counted from 0 in the order of ai.gpus'),
  gpuMemoryUtilization: z
    .number()
    .gt(0)
    .max(1)
    .describe('Share of each GPU’s memory it may take, above 0 and at most 1'),
  maxModelLen: z.number().int().min(1).max(10_000_000).optional().describe('Context length, in tokens'),
  quantization: z
    .enum(['awq', 'awq_marlin', 'bitsandbytes', 'fp8', 'gptq', 'gptq_marlin'])
    .optional()
    .describe('How the weights are quantised (default: as the weights say)'),
  start: z.enum(['boot', 'manual']).default('boot').describe('Whether it starts with the machine'),
});

export const aiSchema = z.strictObject({
  account: accountSchema.default('agent0').describe('Account that owns and runs the models'),
  gpus: z
    .array(
      z.strictObject({
        memoryGiB: z.number().positive().max(4096).describe('Memory of the GPU, in GiB'),
      }),
    )
    .min(1)
    .describe('The GPUs of the host, in the order in which the driver numbers them'),
  environment: absolutePath.default('/opt/citadel/vllm-env').describe('Python environment that has vLLM'),
  modelsDirectory: absolutePath
    .default('/mnt/citadel-models/active')
    .describe('Directory with one folder of weights per model'),
  models: z.record(modelName, modelServiceSchema).describe('Model services, by name'),
});

export type AiInventory = z.infer<typeof aiSchema>;
export type ModelServiceInventory = z.infer<typeof modelServiceSchema>;
