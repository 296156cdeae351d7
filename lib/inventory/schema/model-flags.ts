import { z } from 'zod';
import { absolutePath } from '../../manifest/index.js';

/** A name that vLLM registers something under: a parser of tool calls, of reasoning. */
const parserName = (what: string) =>
  z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9_-]{0,62}$/, 'is not the name of a parser')
    .optional()
    .describe(what);

const count = (max: number, what: string) => z.number().int().min(1).max(max).optional().describe(what);

const perPrompt = (what: string) =>
  z.number().int().min(0).max(4096).optional().describe(`${what} that one request may have`);

/** Flags of `vllm serve` that a service may want, with their values checked; the rest goes by `extraArguments`. */
export const modelFlagsSchema = z.strictObject({
  maxNumSeqs: count(65_536, 'Requests that are worked on at once'),
  maxNumBatchedTokens: count(10_000_000, 'Tokens that one step of the engine works on'),
  kvCacheDtype: z
    .enum(['auto', 'bfloat16', 'fp8', 'fp8_e4m3', 'fp8_e5m2'])
    .optional()
    .describe('Number format of the key-value cache'),
  dtype: z
    .enum(['auto', 'bfloat16', 'float16', 'float32', 'half'])
    .optional()
    .describe('Number format of weights and activations'),
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
  extraArguments: z
    .array(
      z.strictObject({
        flag: z
          .string()
          .regex(/^--[a-z][a-z0-9-]*$/, 'is not a long flag such as --seed')
          .describe('A flag of "vllm serve", in its long form'),
        value: z
          .union([z.string(), z.number()], { error: 'is neither text nor a number' })
          .optional()
          .describe('Its value (default: none, for a switch)'),
      }),
    )
    .default([])
    .describe('Further flags of "vllm serve"; those that the service sets itself are refused'),
});

export type ModelFlagsInventory = z.infer<typeof modelFlagsSchema>;
