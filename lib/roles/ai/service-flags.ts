/** Flags that a service sets itself, and the property that says so. */
export const OWN: Readonly<Record<string, string>> = {
  '--api-key': 'apiKey',
  '--chat-template': 'flags.chatTemplate',
  '--code-revision': 'trustRemoteCode.revision',
  '--dtype': 'flags.dtype',
  '--enable-auto-tool-choice': 'flags.toolCallParser',
  '--enable-sleep-mode': 'flags.sleepMode',
  '--enforce-eager': 'flags.enforceEager',
  '--gpu-memory-utilization': 'gpuMemoryUtilization',
  '--hf-token': 'huggingFaceToken',
  '--host': 'address',
  '--kv-cache-dtype': 'flags.kvCacheDtype',
  '--limit-mm-per-prompt': 'flags.limitMmPerPrompt',
  '--lora-modules': 'flags.loraModules',
  '--max-model-len': 'maxModelLen',
  '--max-num-batched-tokens': 'flags.maxNumBatchedTokens',
  '--max-num-queued-reqs': 'flags.maxNumQueuedRequests',
  '--max-num-seqs': 'flags.maxNumSeqs',
  '--model': 'directory',
  '--port': 'port',
  '--quantization': 'quantization',
  '--reasoning-parser': 'flags.reasoningParser',
  '--revision': 'revision',
  '--served-model-name': 'servedName',
  '--shutdown-timeout': 'shutdownTimeoutSec',
  '--tensor-parallel-size': 'gpus',
  '--tool-call-parser': 'flags.toolCallParser',
};

type Refusal = readonly [got: string, fix: string];

const GPUS: Refusal = ['needs GPUs that the memory budget does not count', 'Use tensor parallelism: gpus'];
const OTHER_HOSTS: Refusal = [
  'makes the server a part of one that spans hosts, which this project does not know',
  'Take it out: one service is one server on its own host’s GPUs',
];
const NO_HTTP: Refusal = [
  'takes the HTTP API away, and with it health, metrics and the probe',
  'Take it out',
];
const TLS: Refusal = [
  'makes /health answer to TLS only',
  'Take it out; put a proxy that speaks TLS in front',
];

/** Flags that would take a service out of what this project knows of it: why, and what to do. */
export const REFUSED: Readonly<Record<string, Refusal>> = {
  '--config': ['reads flags from a file that no one checks', 'Give the flags here'],
  '--data-parallel-size': GPUS,
  '--device-ids': ['takes GPUs past the service’s own and the memory budget', 'Name the GPUs in gpus'],
  '--disable-log-stats': [
    'removes every vllm:* metric, and with them the dashboards and alerts',
    'Take it out; --disable-uvicorn-access-log makes the log quieter',
  ],
  '--elastic-ep-max-dp-size': GPUS,
  '--enable-elastic-ep': GPUS,
  '--grpc': NO_HTTP,
  '--grpc-port': ['opens a second port that has no key and that the firewall does not know', 'Take it out'],
  '--headless': NO_HTTP,
  '--kv-cache-memory-bytes': [
    'overrides the share of memory that the budget is made from',
    'Use gpuMemoryUtilization',
  ],
  '--master-addr': OTHER_HOSTS,
  '--master-port': OTHER_HOSTS,
  '--middleware': [
    'runs Python code that no one checked between clients and the model',
    'Take it out; put a proxy in front',
  ],
  '--nnodes': OTHER_HOSTS,
  '--node-rank': OTHER_HOSTS,
  '--pipeline-parallel-size': GPUS,
  '--prefill-context-parallel-size': GPUS,
  '--show-hidden-metrics-for-version': [
    'is retired: it brings back metrics that the next version removes',
    'Use the new names of the metrics',
  ],
  '--ssl-certfile': TLS,
  '--ssl-keyfile': TLS,
  '--trust-remote-code': [
    'runs Python code that comes with the weights, as the service’s account',
    'Give trustRemoteCode with a reason and the reviewed commit',
  ],
  '--uds': ['makes vLLM ignore its address and port', 'Take it out'],
};

/** Values of flags that would do the same. */
export const REFUSED_VALUES: Readonly<Record<string, Readonly<Record<string, Refusal>>>> = {
  '--distributed-executor-backend': { external_launcher: OTHER_HOSTS, ray: OTHER_HOSTS },
};

/** Why a flag is refused, if it is. All that splits a model's requests over several engines needs GPUs of its own. */
export function refusal(flag: string): Refusal | undefined {
  if (Object.hasOwn(REFUSED, flag)) return REFUSED[flag];
  return /^--(data-parallel|dp-supervisor)-/.test(flag) ? GPUS : undefined;
}
