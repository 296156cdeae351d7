import {
  quantile,
  query,
  stat,
  timeseries,
  UID,
  WELL_OR_NOT,
} from '../../../constructs/monitoring/dashboards/facts.js';
import type { DashboardSpec, PanelSpec, RowSpec } from '../../../constructs/monitoring/dashboards/spec.js';
import { neat } from '../../../constructs/monitoring/alerts/spec.js';
import { AVAILABILITY_LEFT, FIRST_TOKEN_LEFT } from '../alerts/slo-windows.js';
import type { NodesFacts, WatchedModel } from '../alerts/facts.js';

/** All models side by side. */
export function modelsDashboard({ models, slo, thresholds }: NodesFacts): DashboardSpec {
  return {
    uid: UID.models,
    title: 'Citadel models',
    description: 'All models side by side: who serves, how fast, how full.',
    rows: [
      verdicts(models),
      {
        title: 'What was promised',
        panels: [
          budget(
            'Error budget left',
            AVAILABILITY_LEFT,
            `Of the ${neat(100 * (1 - slo.availability))} % of thirty days in which a model may be away, or requests may fail. Below zero the promise is broken.`,
          ),
          budget(
            'Budget of late answers left',
            FIRST_TOKEN_LEFT,
            `Of the ${neat(100 * (1 - slo.timeToFirstTokenObjective))} % of answers in thirty days that may begin after ${slo.timeToFirstTokenSec} s.`,
          ),
        ],
      },
      {
        title: 'Requests',
        panels: [
          timeseries(
            'Requests',
            [query('sum by (model) (rate(vllm:request_success_total[$__rate_interval]))', '{{model}}')],
            { description: 'Requests that ended, well or not.', width: 8, unit: 'reqps', min: 0 },
          ),
          timeseries(
            'Failed requests',
            [
              query(
                'sum by (model) (rate(vllm:request_success_total{finished_reason="error"}[$__rate_interval]))',
                '{{model}}',
              ),
            ],
            {
              description: 'Requests that ended in an error, also those whose answer had begun.',
              width: 8,
              unit: 'reqps',
              min: 0,
            },
          ),
          timeseries(
            'Tokens out',
            [query('sum by (model) (rate(vllm:generation_tokens_total[$__rate_interval]))', '{{model}}')],
            { description: 'Tokens of answers.', width: 8, unit: 'suffix: tok/s', min: 0 },
          ),
        ],
      },
      {
        title: 'Speed',
        panels: [
          timeseries(
            'Time to first token, 95 of 100',
            [query(quantile(0.95, 'vllm:time_to_first_token_seconds'), '{{model}}')],
            {
              description: `From a request to its first token. The objective is ${slo.timeToFirstTokenSec} s.`,
              width: 12,
              unit: 's',
              min: 0,
              steps: [{ from: slo.timeToFirstTokenSec, color: 'red' }],
            },
          ),
          timeseries(
            'Between tokens, 95 of 100',
            [query(quantile(0.95, 'vllm:inter_token_latency_seconds'), '{{model}}')],
            {
              description: 'What a reader feels as the speed of typing.',
              width: 12,
              unit: 's',
              min: 0,
            },
          ),
        ],
      },
      {
        title: 'Room',
        panels: [
          timeseries('Waiting requests', [query('sum by (model) (vllm:num_requests_waiting)', '{{model}}')], {
            description:
              'Requests that wait for room. A queue that stays is a model that is too small for its load.',
            width: 12,
            unit: 'none',
            min: 0,
            steps: [{ from: thresholds.queueLength, color: 'yellow' }],
          }),
          timeseries('KV cache', [query('max by (model) (vllm:kv_cache_usage_perc)', '{{model}}')], {
            description:
              'Share of the cache in use. Near 100 % is normal under load; together with a queue it is the limit.',
            width: 12,
            unit: 'percentunit',
            min: 0,
            max: 1,
            steps: [{ from: thresholds.kvCachePercent / 100, color: 'yellow' }],
          }),
        ],
      },
    ],
  };
}

function budget(title: string, record: string, description: string): PanelSpec {
  return timeseries(title, [query(`max by (model) (${record})`, '{{model}}')], {
    description,
    width: 12,
    unit: 'percentunit',
    max: 1,
    base: 'red',
    steps: [{ from: 0, color: 'green' }],
  });
}

/** One small panel for each model: up to eight in a line, lines of equal width. */
function verdicts(models: readonly WatchedModel[]): RowSpec {
  const perLine = [1, 2, 3, 4, 6, 8].find((count) => count >= models.length) ?? 8;
  const width = 24 / perLine;
  const panels = models.map(({ name }) =>
    stat(name, `max(citadel_model_probe_success{model="${name}"})`, {
      description: `Whether ${name} gave a token when it was last asked for one.`,
      width,
      unit: 'none',
      words: WELL_OR_NOT,
      noValue: 'not known',
      opens: { uid: UID.model, query: `?var-model=${name}` },
    }),
  );
  // The last one of an unfilled line takes what is left of it.
  const rest = (perLine - (panels.length % perLine)) % perLine;
  return {
    title: 'Who serves',
    height: 4,
    panels: panels.map((panel, index) =>
      index === panels.length - 1 ? { ...panel, width: width * (rest + 1) } : panel,
    ),
  };
}
