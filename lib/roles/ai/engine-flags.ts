import { byKey } from '../../text/order.js';
import { isList } from './known-flags.js';

/** A flag of `vllm serve` that has no member of its own here. */
export interface ExtraArgument {
  /** Long form: `--seed`. */
  readonly flag: string;
  /** Several for a flag that takes a list. @default - none: the flag is a switch */
  readonly value?: string | number | readonly (string | number)[] | undefined;
}

/** Settings of the engine, by flags of `vllm serve`. What is left out is vLLM's own to say. */
export interface EngineFlags {
  /** Requests that are worked on at once. */
  readonly maxNumSeqs?: number | undefined;
  /** Tokens that one step of the engine works on. */
  readonly maxNumBatchedTokens?: number | undefined;
  /** Number format of the key-value cache. */
  readonly kvCacheDtype?: string | undefined;
  /** Number format of weights and activations. */
  readonly dtype?: string | undefined;
  /** No CUDA graphs: less memory, a faster start, slower answers. */
  readonly enforceEager?: boolean | undefined;
  /** Inputs other than text that one request may have, by kind. */
  readonly limitMmPerPrompt?:
    | {
        readonly image?: number | undefined;
        readonly video?: number | undefined;
        readonly audio?: number | undefined;
      }
    | undefined;
  /** Absolute path on the host. */
  readonly chatTemplate?: string | undefined;
  /** Turns tool calls on as well. */
  readonly toolCallParser?: string | undefined;
  readonly reasoningParser?: string | undefined;
  /** Adapters by the name that requests ask for: absolute paths of their folders. @default {} */
  readonly loraModules?: Readonly<Record<string, string>> | undefined;
  /** Lets the weights be put to sleep and woken up. @default false */
  readonly sleepMode?: boolean | undefined;
  /** Requests that may wait; more are refused with 503. */
  readonly maxNumQueuedRequests?: number | undefined;
  /** @default [] */
  readonly extraArguments?: readonly ExtraArgument[] | undefined;
}

/** All that the command line of a service is made from. */
export interface ServeArguments {
  readonly port: number;
  readonly servedName: string;
  /** Further names in requests. @default [] */
  readonly aliases?: readonly string[] | undefined;
  readonly gpus: readonly number[];
  readonly gpuMemoryUtilization: number;
  /** Tokens: a number, `32k`, or `auto` for what fits. */
  readonly maxModelLen?: number | string | undefined;
  readonly quantization?: string | undefined;
  readonly revision?: string | undefined;
  /** Commit of the code that comes with the weights and may run; absent: none may. */
  readonly codeRevision?: string | undefined;
  /** Seconds for requests to end in when it is told to stop; absent: they are cut off. */
  readonly shutdownTimeoutSec?: number | undefined;
  readonly flags: EngineFlags;
}

type Word = string | number;

/** Arguments of `vllm serve` after the directory, in one order. It listens on the loopback only. */
export function serveArguments(given: ServeArguments): Word[] {
  const { flags } = given;
  const pair = (flag: string, value: Word | undefined): Word[] => (value === undefined ? [] : [flag, value]);
  return [
    ...['--host', '127.0.0.1', '--port', given.port],
    ...['--served-model-name', given.servedName, ...(given.aliases ?? [])],
    ...['--gpu-memory-utilization', given.gpuMemoryUtilization],
    ...(given.gpus.length > 1 ? ['--tensor-parallel-size', given.gpus.length] : []),
    ...pair('--max-model-len', given.maxModelLen),
    ...pair('--quantization', given.quantization),
    ...pair('--revision', given.revision),
    ...(given.codeRevision === undefined
      ? []
      : ['--trust-remote-code', '--code-revision', given.codeRevision]),
    ...pair('--max-num-seqs', flags.maxNumSeqs),
    ...pair('--max-num-batched-tokens', flags.maxNumBatchedTokens),
    ...pair('--max-num-queued-reqs', flags.maxNumQueuedRequests),
    ...pair('--kv-cache-dtype', flags.kvCacheDtype),
    ...pair('--dtype', flags.dtype),
    ...(flags.enforceEager === true ? ['--enforce-eager'] : []),
    ...(flags.sleepMode === true ? ['--enable-sleep-mode'] : []),
    ...pair('--limit-mm-per-prompt', limits(flags.limitMmPerPrompt)),
    ...pair('--chat-template', flags.chatTemplate),
    ...(flags.toolCallParser === undefined ? [] : ['--enable-auto-tool-choice']),
    ...pair('--tool-call-parser', flags.toolCallParser),
    ...pair('--reasoning-parser', flags.reasoningParser),
    ...adapters(flags),
    ...pair('--shutdown-timeout', given.shutdownTimeoutSec),
    ...together(flags.extraArguments ?? []).flatMap(extra),
  ];
}

/** The values of an argument, as words. */
export function wordsOf({ value }: ExtraArgument): string[] {
  if (value === undefined) return [];
  return (typeof value === 'object' ? value : [value]).map(String);
}

function adapters({ loraModules = {}, extraArguments = [] }: EngineFlags): Word[] {
  const modules = Object.entries(loraModules).sort(byKey);
  if (modules.length === 0) return [];
  const enabled = extraArguments.some(({ flag }) => flag === '--enable-lora');
  return [
    ...(enabled ? [] : ['--enable-lora']),
    '--lora-modules',
    ...modules.map(([name, path]) => `${name}=${path}`),
  ];
}

/** A list flag that stands there twice would keep the last of them only; a flag that may be repeated loses nothing by it. */
function together(given: readonly ExtraArgument[]): ExtraArgument[] {
  const merged = new Map<string, (string | number)[]>();
  return given.flatMap((argument): ExtraArgument[] => {
    if (!isList(argument.flag)) return [argument];
    const values = wordsOf(argument);
    const before = merged.get(argument.flag);
    if (before === undefined) {
      merged.set(argument.flag, values);
      return [{ flag: argument.flag, value: values }];
    }
    before.push(...values);
    return [];
  });
}

/** JSON with its keys in one order: `{"audio":1,"image":2}`. */
function limits(given: EngineFlags['limitMmPerPrompt']): string | undefined {
  if (given === undefined) return undefined;
  const known = Object.entries(given).filter(([, limit]) => limit !== undefined);
  return JSON.stringify(Object.fromEntries(known.sort(byKey)));
}

/** A value that begins with a dash would be taken for the next flag. */
function extra(argument: ExtraArgument): Word[] {
  const { flag, value } = argument;
  const [first, ...more] = wordsOf(argument);
  if (first === undefined) return [flag];
  if (more.length === 0 && first.startsWith('-')) return [`${flag}=${first}`];
  return [flag, ...(typeof value === 'object' ? value : [first])];
}
