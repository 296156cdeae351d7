/** A flag of `vllm serve` that has no member of its own here. */
export interface ExtraArgument {
  /** Long form: `--seed`. */
  readonly flag: string;
  /** @default - none: the flag is a switch */
  readonly value?: string | number | undefined;
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
  /** @default [] */
  readonly extraArguments?: readonly ExtraArgument[] | undefined;
}

/** All that the command line of a service is made from. */
export interface ServeArguments {
  readonly port: number;
  readonly servedName: string;
  readonly gpus: readonly number[];
  readonly gpuMemoryUtilization: number;
  readonly maxModelLen?: number | undefined;
  readonly quantization?: string | undefined;
  readonly revision?: string | undefined;
  /** Commit of the code that comes with the weights and may run; absent: none may. */
  readonly codeRevision?: string | undefined;
  readonly flags: EngineFlags;
}

type Word = string | number;

/** Arguments of `vllm serve` after the directory, in one order. It listens on the loopback only. */
export function serveArguments(given: ServeArguments): Word[] {
  const { flags } = given;
  const pair = (flag: string, value: Word | undefined): Word[] => (value === undefined ? [] : [flag, value]);
  return [
    ...['--host', '127.0.0.1', '--port', given.port],
    ...['--served-model-name', given.servedName],
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
    ...pair('--kv-cache-dtype', flags.kvCacheDtype),
    ...pair('--dtype', flags.dtype),
    ...(flags.enforceEager === true ? ['--enforce-eager'] : []),
    ...pair('--limit-mm-per-prompt', limits(flags.limitMmPerPrompt)),
    ...pair('--chat-template', flags.chatTemplate),
    ...(flags.toolCallParser === undefined ? [] : ['--enable-auto-tool-choice']),
    ...pair('--tool-call-parser', flags.toolCallParser),
    ...pair('--reasoning-parser', flags.reasoningParser),
    ...(flags.extraArguments ?? []).flatMap(extra),
  ];
}

/** JSON with its keys in one order: `{"audio":1,"image":2}`. */
function limits(given: EngineFlags['limitMmPerPrompt']): string | undefined {
  if (given === undefined) return undefined;
  const known = Object.entries(given).filter(([, limit]) => limit !== undefined);
  return JSON.stringify(Object.fromEntries(known.sort(([a], [b]) => (a < b ? -1 : 1))));
}

/** A value that begins with a dash would be taken for the next flag. */
function extra({ flag, value }: ExtraArgument): Word[] {
  if (value === undefined) return [flag];
  return String(value).startsWith('-') ? [`${flag}=${value}`] : [flag, value];
}
