import { JOBS, TARGET_LABELS } from './jobs.js';
import { counter, gauge, histogram, type Metric, type MetricSource } from './metric.js';

/** Labels of every engine metric: the first served name, and the number of the engine. */
const ENGINE = 'model_name engine';

const engineGauge = (name: string, help: string, more = '') => gauge(name, `${ENGINE} ${more}`, help);
const engineCounter = (name: string, help: string, more = '') => counter(name, `${ENGINE} ${more}`, help);
const engineHistogram = (name: string, help: string): Metric => histogram(name, ENGINE, help);

/** vLLM's engine (0.9 and later, V1) and the HTTP layer before it. The Python client appends `_total` to counters. */
export const VLLM: MetricSource = {
  jobs: [JOBS.vllm],
  targetLabels: [...TARGET_LABELS, 'model'],
  metrics: [
    engineGauge('vllm:num_requests_running', 'Requests that the engine is working on'),
    engineGauge('vllm:num_requests_waiting', 'Requests that wait for room'),
    engineGauge('vllm:num_requests_waiting_by_reason', 'Requests that wait, by reason', 'reason'),
    engineGauge('vllm:kv_cache_usage_perc', 'Share of the KV cache in use, 0 to 1 despite its name'),
    engineGauge('vllm:engine_sleep_state', 'One for the state that the engine is in', 'sleep_state'),
    engineCounter('vllm:prompt_tokens_total', 'Tokens of prompts'),
    engineCounter('vllm:generation_tokens_total', 'Tokens of answers'),
    engineCounter(
      'vllm:prompt_tokens_by_source_total',
      'Tokens of prompts, by where they came from',
      'source',
    ),
    engineCounter('vllm:prompt_tokens_cached_total', 'Tokens of prompts that were in a cache'),
    engineCounter(
      'vllm:request_success_total',
      'Requests that ended, failed ones too (finished_reason="error")',
      'finished_reason',
    ),
    engineCounter('vllm:num_preemptions_total', 'Requests put back for lack of KV cache'),
    engineCounter('vllm:prefix_cache_queries_total', 'Tokens looked for in the prefix cache'),
    engineCounter('vllm:prefix_cache_hits_total', 'Tokens found in the prefix cache'),
    engineCounter('vllm:external_prefix_cache_queries_total', 'Tokens looked for in an outer cache'),
    engineCounter('vllm:external_prefix_cache_hits_total', 'Tokens found in an outer cache'),
    engineCounter('vllm:mm_cache_queries_total', 'Inputs looked for in the multi-modal cache'),
    engineCounter('vllm:mm_cache_hits_total', 'Inputs found in the multi-modal cache'),
    engineCounter(
      'vllm:corrupted_requests_total',
      'Requests with NaN in their logits, where that is counted',
    ),
    engineHistogram('vllm:time_to_first_token_seconds', 'From a request to its first token'),
    engineHistogram('vllm:inter_token_latency_seconds', 'From one token to the next'),
    engineHistogram('vllm:request_time_per_output_token_seconds', 'Mean time per token of a request'),
    engineHistogram('vllm:e2e_request_latency_seconds', 'From a request to the end of its answer'),
    engineHistogram('vllm:request_queue_time_seconds', 'Time that a request waited'),
    engineHistogram('vllm:request_inference_time_seconds', 'Time that a request was worked on'),
    engineHistogram('vllm:request_prefill_time_seconds', 'Time spent on the prompt'),
    engineHistogram('vllm:request_decode_time_seconds', 'Time spent on the answer'),
    engineHistogram('vllm:request_prompt_tokens', 'Length of prompts'),
    engineHistogram('vllm:request_generation_tokens', 'Length of answers'),
    engineHistogram('vllm:request_max_num_generation_tokens', 'Longest answer that a request allows'),
    engineHistogram('vllm:request_params_n', 'Answers that a request asks for'),
    engineHistogram('vllm:request_params_max_tokens', 'max_tokens of requests'),
    engineHistogram('vllm:request_prefill_kv_computed_tokens', 'Tokens of a prompt that had to be computed'),
    engineHistogram('vllm:iteration_tokens_total', 'Tokens per step; a histogram despite its name'),
    counter('http_requests_total', 'handler method status', 'HTTP requests; status is 2xx, 4xx or 5xx'),
    histogram('http_request_duration_seconds', 'handler method', 'How long HTTP requests took'),
  ],
};

/** Names that vLLM has given up, and what to ask for instead; empty: gone with the V0 engine. */
export const RETIRED_VLLM: ReadonlyMap<string, string> = new Map([
  ['vllm:gpu_cache_usage_perc', 'vllm:kv_cache_usage_perc'],
  ['vllm:gpu_prefix_cache_queries_total', 'vllm:prefix_cache_queries_total'],
  ['vllm:gpu_prefix_cache_hits_total', 'vllm:prefix_cache_hits_total'],
  ['vllm:gpu_prefix_cache_hit_rate', 'vllm:prefix_cache_hits_total'],
  ['vllm:time_per_output_token_seconds', 'vllm:inter_token_latency_seconds'],
  ['vllm:num_requests_swapped', ''],
  ['vllm:cpu_cache_usage_perc', ''],
  ['vllm:cpu_prefix_cache_hit_rate', ''],
]);

/** Bounds of vLLM's histogram of the time to the first token: an objective can only be counted at one of them. */
export const FIRST_TOKEN_BOUNDS_SEC = [0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40] as const;

/** Bounds of vLLM's histogram of the time to the first token that an objective may stand at, with the text of their `le`. */
export const FIRST_TOKEN_BOUNDS: ReadonlyMap<number, string> = new Map(
  FIRST_TOKEN_BOUNDS_SEC.map((seconds) => [
    seconds,
    Number.isInteger(seconds) ? seconds.toFixed(1) : String(seconds),
  ]),
);
