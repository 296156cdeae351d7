import {
  aged,
  alert,
  CITADEL,
  minutes,
  fires,
  NODE,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import { above, below, type AlertSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { ASK, matcher, MODEL_LOOK, RESTART, VLLM, WAKE } from './model-parts.js';
import { LOADING, TOKENS } from './model-records.js';
import type { NodesFacts, WatchedModel } from './facts.js';

/** A model that makes tokens is busy, whatever becomes of the probe: a restart would cost everybody their answer. */
const IDLE = `unless on (host, model) ${TOKENS} > 0`;

/** What the exporter's requests for one token say. Nothing where no model is asked. */
export function probeAlerts(
  thresholds: NodesFacts['thresholds'],
  models: readonly WatchedModel[],
  first: WatchedModel,
): AlertSpec[] {
  const inside = { ...CITADEL, model: first.name };
  const stranger = { ...CITADEL, model: 'someone-else' };
  const [age, slow] = [thresholds.modelProbeAgeSec, thresholds.modelProbeSec];
  const up = { [series('citadel_model_up', inside)]: steady(1) };
  const tokens = (perSecond: number) => ({
    [series(TOKENS, { host: 'a', model: first.name })]: steady(perSecond),
  });
  const failing = `citadel_model_probe_success{${matcher(models)}} == 0\nand on (host, model) citadel_model_up == 1`;
  const last = (labels: Readonly<Record<string, string>>) =>
    series('citadel_model_probe_last_success_timestamp_seconds', labels);
  return [
    alert('ModelProbeFailing', 'critical', {
      expr: `${failing}\n${IDLE}`,
      for: minutes(3),
      summary: '{{ $labels.model }} on {{ $labels.host }} gives no token',
      description:
        'It answers /health, a request for one token fails, and it makes no token for anybody else.',
      runbook: {
        meaning: 'People get errors from this model, although it looks well.',
        look: [ASK, ...MODEL_LOOK],
        fix: [RESTART],
        escalate: WAKE,
      },
      tests: [
        fires(
          'a probe fails',
          { ...up, [series('citadel_model_probe_success', inside)]: steady(0), ...tokens(0) },
          { labels: inside },
        ),
        fires(
          'it does not say what it makes',
          {
            ...up,
            [series('citadel_model_probe_success', inside)]: steady(0),
            [series('up', VLLM)]: steady(1),
          },
          { labels: inside },
        ),
        silent('it is overloaded, for which there is another alert', {
          ...up,
          [series('citadel_model_probe_success', inside)]: steady(0),
          ...tokens(0.1),
        }),
        silent('it works', { ...up, [series('citadel_model_probe_success', inside)]: steady(1) }),
        silent('the model is down, for which there is another alert', {
          [series('citadel_model_up', inside)]: steady(0),
          [series('citadel_model_probe_success', inside)]: steady(0),
        }),
      ],
    }),
    alert('ModelOverloaded', 'warning', {
      expr: `${failing}\nand on (host, model) ${TOKENS} > 0`,
      for: minutes(5),
      summary: '{{ $labels.model }} on {{ $labels.host }} has more to do than it can',
      description: 'It makes tokens, and a request for one more does not get its own in time.',
      runbook: {
        meaning: 'People wait for long, and whoever waits too long gives up. Nothing is broken.',
        look: [
          on('$host', 'citadel health', 'shows how long each model takes'),
          on(
            'a browser',
            'http://DEV-OPS:3000/d/citadel-model',
            'the dashboard of the model: queue, length of prompts, cache',
          ),
        ],
        fix: [
          'Do not restart it: everybody would lose the answer that is under way, and wait again.',
          'See [ModelQueueLong](#modelqueuelong): less at a time, shorter prompts.',
        ],
        escalate: 'Wait for the morning, unless people complain.',
      },
      tests: [
        fires(
          'it is late, and makes tokens',
          { ...up, [series('citadel_model_probe_success', inside)]: steady(0), ...tokens(0.1) },
          { labels: inside },
        ),
        silent('it makes none, for which there is another alert', {
          ...up,
          [series('citadel_model_probe_success', inside)]: steady(0),
          ...tokens(0),
        }),
        silent('it is in time', {
          ...up,
          [series('citadel_model_probe_success', inside)]: steady(1),
          ...tokens(0.1),
        }),
        silent('one that starts by hand', {
          [series('citadel_model_up', stranger)]: steady(1),
          [series('citadel_model_probe_success', stranger)]: steady(0),
          [series(TOKENS, { host: 'a', model: stranger.model })]: steady(9),
        }),
        silent('the model is down', {
          [series('citadel_model_up', inside)]: steady(0),
          [series('citadel_model_probe_success', inside)]: steady(0),
          ...tokens(0.1),
        }),
      ],
    }),
    alert('ModelWedged', 'critical', {
      expr: `time() - citadel_model_probe_last_success_timestamp_seconds{${matcher(models)}} > ${age}\nand on (host, model) citadel_model_up == 1\n${IDLE}`,
      for: minutes(2),
      summary:
        '{{ $labels.model }} on {{ $labels.host }} last gave a token {{ $value | humanizeDuration }} ago',
      description:
        'It answers /health, the request for one token hangs, and it makes no token for anybody else.',
      runbook: {
        meaning: 'The engine is wedged: whoever asks waits for ever.',
        look: [ASK, ...MODEL_LOOK],
        fix: [RESTART],
        escalate: WAKE,
      },
      tests: [
        fires(
          'for a little too long',
          { ...up, [last(inside)]: aged(age), ...tokens(0) },
          { labels: inside, value: age + 180 },
          minutes(11),
        ),
        silent('a little less', { ...up, [last(inside)]: aged(age, 60) }, minutes(60)),
        silent(
          'it is overloaded, for which there is another alert',
          { ...up, [last(inside)]: aged(age), ...tokens(0.1) },
          minutes(60),
        ),
        silent(
          'the model is down, for which there is another alert',
          { [series('citadel_model_up', inside)]: steady(0), [last(inside)]: aged(age) },
          minutes(30),
        ),
      ],
    }),
    alert('ModelProbeSlow', 'warning', {
      expr: `citadel_model_probe_duration_seconds{${matcher(models)}} > ${slow}`,
      for: minutes(10),
      summary:
        '{{ $labels.model }} on {{ $labels.host }} takes {{ $value | humanizeDuration }} for one token',
      description: `A request for one token takes more than ${slow} s.`,
      runbook: {
        meaning: 'Either many requests wait before it, or the GPU is slow.',
        look: [
          on('$host', 'citadel health', 'shows how long each model takes'),
          on('$host', 'nvidia-smi', 'shows whether the GPU is hot or shared'),
        ],
        fix: ['See [ModelQueueLong](#modelqueuelong): too many requests look the same.'],
        escalate: 'Wait for the morning.',
      },
      tests: [
        fires(
          'a little too slow',
          { [series('citadel_model_probe_duration_seconds', inside)]: steady(above(slow)) },
          { labels: inside, value: above(slow) },
        ),
        silent(
          'a little faster, and one that starts by hand',
          {
            [series('citadel_model_probe_duration_seconds', inside)]: steady(below(slow)),
            [series('citadel_model_probe_duration_seconds', stranger)]: steady(slow * 3),
          },
          minutes(30),
        ),
      ],
    }),
    alert('ModelProbeMissing', 'warning', {
      expr: `citadel_model_expected{${matcher(models)}} unless on (host, model) citadel_model_probe_success\nunless on (host) ${LOADING}`,
      for: minutes(15),
      summary: 'No one asks {{ $labels.model }} on {{ $labels.host }} for a token',
      description: 'The node’s exporter has no result of a probe: a wedged model would not be noticed.',
      runbook: {
        meaning: 'The exporter is down, or its settings do not name the model.',
        look: [
          on('$host', 'systemctl status citadel-metrics-exporter', 'shows whether it runs'),
          on(
            '$host',
            'curl -s http://localhost:8000/metrics | grep citadel_model_probe',
            'shows what it knows',
          ),
        ],
        fix: [
          on(
            '$host',
            'systemctl restart citadel-metrics-exporter',
            'restarts it, with the settings that are there',
          ),
        ],
        escalate: 'Wait for the morning if `citadel health` is well.',
      },
      tests: [
        fires(
          'no result',
          { [series('citadel_model_expected', { ...NODE, model: first.name })]: steady(1) },
          { labels: { ...NODE, model: first.name } },
        ),
        silent('models of its host load, and it waits for its turn', {
          [series('citadel_model_expected', { ...NODE, model: first.name })]: steady(1),
          [series(LOADING, { host: 'a' })]: steady(1),
        }),
        silent('a result', {
          [series('citadel_model_expected', { ...NODE, model: first.name })]: steady(1),
          [series('citadel_model_probe_success', inside)]: steady(1),
        }),
      ],
    }),
  ];
}
