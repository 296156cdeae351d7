import { z } from 'zod';
import { absolutePath } from '../../../manifest/index.js';
import { folderName } from './folder-name.js';

/** A name that vLLM registers something under: a parser of tool calls, of reasoning. */
const parserName = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'is not the name of a parser')
    .optional()
    .describe(what);

/** A value of a flag that takes one of few; which ones is the release's to say, and checked against its own list. */
const choice = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9][A-Za-z0-9_-]{0,62}$/, 'is not a value of this flag')
    .optional()
    .describe(what);

const argumentValue = z.union([z.string(), z.number()], { error: 'is neither text nor a number' });

const count = (max: number, what: string) => z.number().int().min(1).max(max).optional().describe(what);

const perPrompt = (what: string) =>
  z.number().int().min(0).max(4096).optional().describe(`${what} that one request may have`);

/** Flags of `vllm serve` that a service may want, with their values checked; the rest goes by `extraArguments`. */
export const modelFlagsSchema = z.strictObject({
  maxNumSeqs: count(65_536, 'Requests that are worked on at once'),
  maxNumBatchedTokens: count(10_000_000, 'Tokens that one step of the engine works on'),
  maxNumQueuedRequests: count(
    10_000_000,
    'Requests that may wait; more are refused with 503 (vLLM 0.29 and later)',
  ),
  kvCacheDtype: choice('Number format of the key-value cache: one that the pinned vLLM has'),
  dtype: choice('Number format of weights and activations: one that the pinned vLLM has'),
  enforceEager: z
    .boolean()
    .optional()
    .describe('true: no CUDA graphs, which saves memory and start-up time and costs speed'),
  limitMmPerPrompt: z
    .strictObject({
      image: perPrompt('Images'),
      video: perPrompt('Videos'),
      audio: perPrompt('Sound recordings'),
    })
    .refine((limits) => Object.values(limits).some((limit) => limit !== undefined), 'names no kind of input')
    .optional()
    .describe('Inputs other than text that one request may have, by kind'),
  chatTemplate: absolutePath
    .optional()
    .describe('Chat template on the host (default: the one that comes with the weights)'),
  toolCallParser: parserName('Turns on tool calls, read by this parser'),
  reasoningParser: parserName('Separates reasoning from the answer by this parser'),
  sleepMode: z
    .boolean()
    .optional()
    .describe('true: the weights can be put to sleep, which frees their GPU memory, and woken up'),
  loraModules: z
    .record(
      z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._/-]{0,126}$/, 'is not the name of an adapter'),
      folderName.describe('Folder of the adapter, inside modelsDirectory'),
    )
    .optional()
    .describe('LoRA adapters, by the name that requests ask for as model'),
  extraArguments: z
    .array(
      z.strictObject({
        flag: z
          .string()
          .regex(/^--[a-z][a-z0-9-]*$/, 'is not a long flag such as --seed')
          .describe('A flag of "vllm serve", in its long form'),
        value: z
          .union([argumentValue, z.array(argumentValue).min(1)], {
            error: 'is neither text nor a number nor a list of them',
          })
          .optional()
          .describe('Its value, or a list for a flag that takes several (default: none, for a switch)'),
      }),
    )
    .default([])
    .describe(
      'Further flags of "vllm serve"; those that the service sets itself, and those that the pinned vLLM does not have, are refused',
    ),
});

export type ModelFlagsInventory = z.infer<typeof modelFlagsSchema>;
