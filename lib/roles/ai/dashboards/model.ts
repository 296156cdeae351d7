import {
  quantile,
  query,
  stat,
  timeseries,
  UID,
  WELL_OR_NOT,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec } from '../../../constructs/monitoring/dashboards/spec.js';
import type { NodesFacts } from '../alerts/facts.js';

const M = '{model="$model"}';
const rate = (counter: string, more = ''): string =>
  `rate(${counter}{model="$model"${more}}[$__rate_interval])`;

/** One model in depth. */
export function modelDashboard({ models, slo, thresholds }: NodesFacts): DashboardSpec {
  const q = (level: number, histogram: string) =>
    query(quantile(level, histogram, 'model', M), `${level * 100} of 100`);
  const spread = (histogram: string) => [q(0.5, histogram), q(0.95, histogram), q(0.99, histogram)];
  return {
    uid: UID.model,
    title: 'Citadel model',
    description: 'One model in depth: choose it above.',
    variables: [{ name: 'model', label: 'Model', values: models.map(({ name }) => name) }],
    rows: [
      {
        title: 'Now',
        height: 4,
        panels: [
          stat('Serves', `max(citadel_model_probe_success${M})`, {
            description: 'Whether it gave a token when it was last asked for one.',
            width: 4,
            unit: 'none',
            words: WELL_OR_NOT,
            noValue: 'not known',
          }),
          stat('Last token', `time() - max(citadel_model_probe_last_success_timestamp_seconds${M})`, {
            description: 'How long ago it last gave one.',
            width: 4,
            unit: 's',
            steps: [{ from: thresholds.modelProbeAgeSec, color: 'red' }],
          }),
          stat('Running', `sum(vllm:num_requests_running${M})`, {
            description: 'Requests that it works on.',
            width: 4,
            unit: 'none',
          }),
          stat('Waiting', `sum(vllm:num_requests_waiting${M})`, {
            description: 'Requests that wait for room.',
            width: 4,
            unit: 'none',
            steps: [{ from: thresholds.queueLength, color: 'yellow' }],
          }),
          stat('KV cache', `max(vllm:kv_cache_usage_perc${M})`, {
            description: 'Share of the cache in use.',
            width: 4,
            unit: 'percentunit',
            decimals: 0,
            steps: [{ from: thresholds.kvCachePercent / 100, color: 'yellow' }],
          }),
          stat('Restarts', `sum(increase(citadel_monitor_model_restarts_total${M}[$__range])) or vector(0)`, {
            description: 'How often the node’s own monitor restarted it in the time shown.',
            width: 4,
            unit: 'none',
            decimals: 0,
            steps: [{ from: 1, color: 'yellow' }],
          }),
        ],
      },
      {
        title: 'Speed',
        panels: [
          timeseries('Time to first token', spread('vllm:time_to_first_token_seconds'), {
            description: `From a request to its first token. The objective is ${slo.timeToFirstTokenSec} s.`,
            width: 8,
            unit: 's',
            min: 0,
            steps: [{ from: slo.timeToFirstTokenSec, color: 'red' }],
          }),
          timeseries('Between tokens', spread('vllm:inter_token_latency_seconds'), {
            description: 'From one token to the next.',
            width: 8,
            unit: 's',
            min: 0,
          }),
          timeseries('Whole request', spread('vllm:e2e_request_latency_seconds'), {
            description: 'From a request to the end of its answer.',
            width: 8,
            unit: 's',
            min: 0,
          }),
        ],
      },
      {
        title: 'Work',
        panels: [
          timeseries(
            'How requests ended',
            [
              query(
                `sum by (finished_reason) (${rate('vllm:request_success_total')})`,
                '{{finished_reason}}',
              ),
            ],
            {
              description: 'stop and length are well; abort is the client’s doing; error is ours.',
              width: 8,
              unit: 'reqps',
              min: 0,
              stacked: true,
            },
          ),
          timeseries(
            'Tokens',
            [
              query(`sum(${rate('vllm:prompt_tokens_total')})`, 'in'),
              query(`sum(${rate('vllm:generation_tokens_total')})`, 'out'),
            ],
            { description: 'Tokens of prompts and of answers.', width: 8, unit: 'suffix: tok/s', min: 0 },
          ),
          timeseries(
            'HTTP answers',
            [query(`sum by (status) (${rate('http_requests_total')})`, '{{status}}')],
            {
              description: 'Answers by status. A stream that breaks off after it began still counts as 2xx.',
              width: 8,
              unit: 'reqps',
              min: 0,
              stacked: true,
            },
          ),
        ],
      },
      {
        title: 'Where the time goes',
        panels: [
          timeseries(
            'Mean time per phase',
            ['queue', 'prefill', 'decode'].map((phase) =>
              query(
                `sum(${rate(`vllm:request_${phase}_time_seconds_sum`)}) / sum(${rate(`vllm:request_${phase}_time_seconds_count`)})`,
                phase,
              ),
            ),
            {
              description: 'Waiting, reading the prompt, writing the answer.',
              width: 12,
              unit: 's',
              min: 0,
              stacked: true,
            },
          ),
          timeseries(
            'Prefix cache',
            [
              query(
                `sum(${rate('vllm:prefix_cache_hits_total')}) / sum(${rate('vllm:prefix_cache_queries_total')})`,
                'found',
              ),
            ],
            {
              description: 'Share of prompt tokens that need not be computed again.',
              width: 6,
              unit: 'percentunit',
              min: 0,
              max: 1,
            },
          ),
          timeseries('Preemptions', [query(`sum(${rate('vllm:num_preemptions_total')})`, 'put back')], {
            description: 'Requests put back for lack of cache: work that is done twice.',
            width: 6,
            unit: 'cps',
            min: 0,
          }),
        ],
      },
    ],
  };
}
