import { z } from 'zod';
import { absolutePath, secretName } from '../../../manifest/index.js';
import { driverSchema } from './driver.js';
import { environmentSchema } from './environment.js';
import { folderName } from './folder-name.js';
import { lanSchema } from './lan.js';
import { modelFlagsSchema } from './model-flags.js';
import { hubEndpoint, weightsSchema } from './weights.js';
import { accountSchema, tcpPort } from '../../../inventory/index.js';

const modelName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, 'is not a model name: a-z, 0-9 and "-", starting with a letter');

const servedName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,126}$/, 'is not a served model name');

/** As vLLM reads it: `32k` is 32,000, `32K` is 32,768. */
const contextLength = z.union(
  [
    z.number().int().min(1).max(10_000_000),
    z
      .string()
      .regex(/^(auto|\d+(\.\d+)?[km]|\d+[KM])$/, 'is not a context length such as 32768, 32k or auto'),
  ],
  { error: 'is not a context length: a number of tokens, such as 32768 or 32k, or auto' },
);

const revision = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,126}$/, 'is not a revision: a commit, tag or branch');

/** Branches and tags move; only a commit says which code was reviewed. */
const pinnedRevision = z
  .string()
  .regex(/^[0-9a-f]{40}$/, 'is not a pinned revision: a commit of 40 hexadecimal digits');

const gibibytes = (what: string) => z.number().positive().max(16_384).describe(what);

/** One vLLM service. Clashes (ports, GPU memory) are the constructs' to find: they know the rest of the host. */
export const modelServiceSchema = z.strictObject({
  port: tcpPort('TCP port of the model’s HTTP API'),
  directory: folderName.describe('Folder of the weights, inside modelsDirectory'),
  weightsGiB: gibibytes('Size of that folder, in GiB: for disk budgets, the start timeout and GPU memory'),
  weights: weightsSchema
    .optional()
    .describe('Where the host fetches that folder from (default: someone else puts it there)'),
  gpuWeightsGiB: gibibytes(
    'GPU memory that the weights take, in GiB, where they are quantised while loading (default: weightsGiB)',
  ).optional(),
  servedName: z
    .union([servedName, z.array(servedName).min(1)], {
      error: 'is neither a served model name nor a list of them',
    })
    .optional()
    .describe(
      'Name in API requests, or several; the first is the one in metrics (default: the service’s name)',
    ),
  gpus: z
    .array(z.number().int().min(0).max(63))
    .min(1)
    .describe('Numbers of the GPUs it runs on, counted from 0 in the order of ai.gpus'),
  tensorParallel: z
    .number()
    .int()
    .min(1)
    .max(64)
    .optional()
    .describe('GPUs that the model is split over; must be the number of gpus (default: that number)'),
  gpuMemoryUtilization: z
    .number()
    .gt(0)
    .max(1)
    .optional()
    .describe('Share of each GPU’s memory it may take, above 0 and at most 1; needed where a GPU is shared'),
  maxModelLen: contextLength
    .optional()
    .describe(
      'Context length, in tokens: a number, 32k (32,000), 32K (32,768), or auto for what fits (vLLM 0.14 and later)',
    ),
  quantization: z
    .string()
    .regex(/^[a-z0-9][A-Za-z0-9_-]{0,62}$/, 'is not the name of a quantisation')
    .optional()
    .describe('How the weights are quantised: one that the pinned vLLM knows (default: as the weights say)'),
  flags: modelFlagsSchema.prefault({}).describe('Further settings of the engine'),
  start: z.enum(['boot', 'manual']).default('boot').describe('Whether it starts with the machine'),
  conflicts: z
    .array(modelName)
    .default([])
    .describe('Models that cannot run at the same time; starting one stops the other'),
  loadTimeoutSec: z
    .number()
    .int()
    .min(10)
    .max(86_400)
    .optional()
    .describe('Seconds that it may take to start (default: sized to the weights)'),
  shutdownTimeoutSec: z
    .number()
    .int()
    .min(0)
    .max(3600)
    .optional()
    .describe(
      'Seconds for requests to end in when the service stops; 0 cuts them off (default: 20, where vLLM has it: 0.18 and later)',
    ),
  probe: z
    .enum(['completion', 'embedding', 'none'])
    .default('completion')
    .describe('How it is checked to serve: by a completion of one token, by an embedding, or not at all'),
  environment: environmentSchema
    .optional()
    .describe('Environment variables of the server, by name; those that the service sets itself are refused'),
  apiKey: secretName.optional().describe('Name of the secret that requests must present (default: no key)'),
  revision: revision.optional().describe('Revision of the model that the folder holds'),
  trustRemoteCode: z
    .strictObject({
      reason: z.string().min(10).max(400).describe('Why code that comes with the weights may run here'),
      revision: pinnedRevision.describe('Commit of that code that was reviewed, 40 hexadecimal digits'),
    })
    .optional()
    .describe('A waiver to run Python code that comes with the weights (default: it never runs)'),
});

const gpuSchema = z.strictObject({
  memoryGiB: z.number().positive().max(4096).describe('Memory of the GPU, in GiB'),
  uuid: z
    .string()
    .regex(
      /^GPU-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
      'is not the UUID of a GPU, as nvidia-smi -L prints it',
    )
    .optional()
    .describe('Its UUID, which doctor compares (default: any card)'),
  ecc: z.boolean().optional().describe('Whether ECC is on, which doctor compares (default: either)'),
  pcieWidth: z
    .literal([1, 2, 4, 8, 16])
    .optional()
    .describe('Lanes of PCIe that it must use, which doctor compares (default: what card and slot allow)'),
  powerLimitWatts: z
    .number()
    .int()
    .min(50)
    .max(2000)
    .optional()
    .describe('Power limit, in watts (default: the card’s own)'),
});

/** The Python environment's sources. */
const vllmSchema = z.strictObject({
  requirements: z
    .string()
    .regex(/^(?!\/)[^\0]+$/, 'is not a relative path')
    .describe('Pinned requirements with hashes that the environment is made from; relative to the project'),
  wheels: absolutePath
    .optional()
    .describe('Folder of wheels on the host, where no package index is reachable (default: the index)'),
});

export const aiSchema = z.strictObject({
  account: accountSchema.default('agent0').describe('Account that owns and runs the models'),
  gpus: z
    .array(gpuSchema)
    .min(1)
    .describe('The GPUs of the host, in the order in which the driver numbers them'),
  driver: driverSchema
    .optional()
    .describe('The driver of the GPUs, which the host installs (default: someone else does)'),
  environment: absolutePath.default('/opt/citadel/vllm-env').describe('Python environment that has vLLM'),
  vllm: vllmSchema.optional().describe('What that environment is made from (default: someone else makes it)'),
  huggingFaceToken: secretName
    .optional()
    .describe('Name of the secret that holds the Hugging Face token (default: none)'),
  huggingFaceEndpoint: hubEndpoint
    .default('https://huggingface.co')
    .describe('Where weights of hf:// are fetched: the hub, or a mirror of it'),
  modelsDirectory: absolutePath
    .default('/mnt/citadel-models/active')
    .describe('Directory with one folder of weights per model'),
  firstModel: modelName
    .default('phi3')
    .describe('Model that a gradual deployment starts alone, before all others'),
  lan: lanSchema.prefault({}).describe('How models are reached from other hosts'),
  models: z.record(modelName, modelServiceSchema).describe('Model services, by name'),
});

export type AiInventory = z.infer<typeof aiSchema>;
export type ModelServiceInventory = z.infer<typeof modelServiceSchema>;
