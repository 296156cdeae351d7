import type { OwnProblem } from '../host/index.js';
import type { EngineFlags, ExtraArgument } from './engine-flags.js';

/** Flags that a service sets itself, and the property that says so. */
const OWN: Readonly<Record<string, string>> = {
  '--api-key': 'apiKey',
  '--chat-template': 'flags.chatTemplate',
  '--code-revision': 'trustRemoteCode.revision',
  '--dtype': 'flags.dtype',
  '--enable-auto-tool-choice': 'flags.toolCallParser',
  '--enforce-eager': 'flags.enforceEager',
  '--gpu-memory-utilization': 'gpuMemoryUtilization',
  '--hf-token': 'huggingFaceToken',
  '--host': 'address',
  '--kv-cache-dtype': 'flags.kvCacheDtype',
  '--limit-mm-per-prompt': 'flags.limitMmPerPrompt',
  '--max-model-len': 'maxModelLen',
  '--max-num-batched-tokens': 'flags.maxNumBatchedTokens',
  '--max-num-seqs': 'flags.maxNumSeqs',
  '--model': 'directory',
  '--port': 'port',
  '--quantization': 'quantization',
  '--reasoning-parser': 'flags.reasoningParser',
  '--revision': 'revision',
  '--served-model-name': 'servedName',
  '--tensor-parallel-size': 'gpus',
  '--tool-call-parser': 'flags.toolCallParser',
};

/** Flags that would take a service out of what this project knows of it: why, and what to do. */
const REFUSED: Readonly<Record<string, readonly [got: string, fix: string]>> = {
  '--disable-log-stats': [
    'removes every vllm:* metric, and with them the dashboards and alerts',
    'Take it out; --disable-uvicorn-access-log makes the log quieter',
  ],
  '--trust-remote-code': [
    'runs Python code that comes with the weights, as the service’s account',
    'Give trustRemoteCode with a reason and the reviewed commit',
  ],
  '--config': ['reads flags from a file that nobody checks', 'Give the flags here'],
  '--uds': ['makes vLLM ignore its address and port', 'Take it out'],
  '--data-parallel-size': [
    'needs GPUs that the memory budget does not count',
    'Use tensor parallelism: gpus',
  ],
  '--pipeline-parallel-size': [
    'needs GPUs that the memory budget does not count',
    'Use tensor parallelism: gpus',
  ],
  '--kv-cache-memory-bytes': [
    'overrides the share of memory that the budget is made from',
    'Use gpuMemoryUtilization',
  ],
  '--ssl-certfile': ['makes /health answer to TLS only', 'Take it out; put a proxy that speaks TLS in front'],
  '--ssl-keyfile': ['makes /health answer to TLS only', 'Take it out; put a proxy that speaks TLS in front'],
  '--show-hidden-metrics-for-version': [
    'is retired: it brings back metrics that the next version removes',
    'Use the new names of the metrics',
  ],
  '--swap-space': ['is retired: vLLM’s present engine has no use for it', 'Take it out'],
  '--preemption-mode': ['is retired: vLLM’s present engine has no use for it', 'Take it out'],
  '--use-v2-block-manager': ['is retired: vLLM’s present engine has no use for it', 'Take it out'],
  '--worker-use-ray': ['is retired: vLLM’s present engine has no use for it', 'Take it out'],
  '--disable-log-requests': ['is retired: requests are not logged by default', 'Take it out'],
};

/** Short forms that vLLM knows of flags above. */
const SHORT: Readonly<Record<string, string>> = {
  '-tp': '--tensor-parallel-size',
  '-dp': '--data-parallel-size',
  '-pp': '--pipeline-parallel-size',
  '-q': '--quantization',
};

/** Metrics that vLLM renamed or dropped: name → what it is called now. */
export const RETIRED_METRICS: Readonly<Record<string, string | undefined>> = {
  'vllm:gpu_cache_usage_perc': 'vllm:kv_cache_usage_perc',
  'vllm:gpu_prefix_cache_hits': 'vllm:prefix_cache_hits',
  'vllm:gpu_prefix_cache_queries': 'vllm:prefix_cache_queries',
  'vllm:gpu_prefix_cache_hit_rate': undefined,
  'vllm:time_per_output_token_seconds': 'vllm:inter_token_latency_seconds',
  'vllm:num_requests_swapped': undefined,
  'vllm:cpu_cache_usage_perc': undefined,
};

/** Problems of the flags that a service is given beyond its own properties. */
export function engineFlagProblems(flags: EngineFlags): OwnProblem[] {
  const given = flags.extraArguments ?? [];
  return given.flatMap((argument, index) => {
    const property = `flags.extraArguments[${index}]`;
    const found = flagProblem(argument, given.slice(0, index)) ?? retired(argument);
    return found === undefined ? [] : [{ property, ...found }];
  });
}

type Found = Pick<OwnProblem, 'code' | 'got' | 'fix'>;

function flagProblem(argument: ExtraArgument, before: readonly ExtraArgument[]): Found | undefined {
  const { flag } = argument;
  if (!/^--?[A-Za-z][A-Za-z0-9._-]*$/.test(flag)) {
    return {
      code: 'construct.model.flag',
      got: `${JSON.stringify(flag)} is not one flag`,
      fix: 'Give the flag alone, as --seed, and what comes after it as value',
    };
  }
  const name = canonical(flag);
  if (before.some((other) => canonical(other.flag) === name)) {
    return { code: 'construct.model.flag-twice', got: `${flag} stands here twice`, fix: 'Keep one of them' };
  }
  const refused = match(name, REFUSED);
  if (refused !== undefined) {
    const [, [got, fix]] = refused;
    const code = got.startsWith('is retired')
      ? 'construct.model.flag-retired'
      : 'construct.model.flag-refused';
    return { code, got: `${flag} ${got}`, fix };
  }
  const own = match(name, OWN);
  if (own === undefined) return undefined;
  const whole = own[0] === name || own[0] === positive(name);
  return {
    code: 'construct.model.flag-own',
    got: whole
      ? `${flag} is set by the service itself`
      : `${flag} is short for ${own[0]}, which the service sets itself`,
    fix: `Give it as ${own[1]}`,
  };
}

/** `--x` for `--no-x`. */
function positive(name: string): string {
  return name.startsWith('--no-') ? `--${name.slice('--no-'.length)}` : name;
}

/** The entry that a flag means: Python's argparse takes any beginning of a flag for the flag. */
function match<T>(name: string, table: Readonly<Record<string, T>>): [string, T] | undefined {
  const meant = positive(name);
  // To say that something dangerous is off is no danger.
  if (meant !== name && meant in REFUSED) return undefined;
  const entries = Object.entries(table);
  return entries.find(([flag]) => flag === meant) ?? entries.find(([flag]) => flag.startsWith(meant));
}

/** `--gpu_memory_utilization`, `--limit-mm-per-prompt.image` and `-tp` are other spellings of flags. */
function canonical(flag: string): string {
  const [head = ''] = flag.split('.');
  const name = head.replaceAll('_', '-');
  return SHORT[name] ?? name;
}

function retired({ value }: ExtraArgument): Found | undefined {
  if (typeof value !== 'string') return undefined;
  const name = Object.keys(RETIRED_METRICS).find((metric) => value.includes(metric));
  if (name === undefined) return undefined;
  const now = RETIRED_METRICS[name];
  return {
    code: 'construct.model.metric-retired',
    got: `${name} is a retired metric`,
    fix: now === undefined ? 'Take it out; vLLM has no such metric any more' : `It is called ${now} now`,
  };
}
