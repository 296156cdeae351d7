import { FIRST_TOKEN_BOUNDS } from '../../../constructs/monitoring/metrics/index.js';
import type { FiringAlert, Runbook } from '../../../constructs/monitoring/rules/index.js';
import {
  alert,
  fires,
  minutes,
  neat,
  on,
  series,
  silent,
  steady,
} from '../../../constructs/monitoring/alerts/spec.js';
import { above, below, type AlertSpec, type GroupSpec } from '../../../constructs/monitoring/alerts/spec.js';
import { MODEL_LOOK } from './model-parts.js';
import { LOADING } from './model-records.js';
import { budgetRecords, countRecords } from './slo-budget.js';
import { downRecord, windowRecords } from './slo-records.js';
import { ANSWERS, BURNS, ERRORS, LATE, PROBES, REQUESTS, WINDOWS } from './slo-windows.js';
import { told, unlessTold } from './told.js';
import type { NodesFacts, WatchedModel } from './facts.js';

/** What is promised of each model, and how fast the promise is used up. Nothing for a fleet without models. */
export function sloAlerts({ slo, models, thresholds }: NodesFacts): GroupSpec[] {
  if (models.length === 0) return [];
  const le = FIRST_TOKEN_BOUNDS.get(slo.timeToFirstTokenSec) ?? String(slo.timeToFirstTokenSec);
  return [
    {
      name: 'slo-records',
      interval: minutes(1),
      records: [downRecord(), ...WINDOWS.flatMap((window) => windowRecords(window, le)), ...countRecords()],
      alerts: [],
    },
    // Thirty days are read for it: four times an hour is often enough.
    { name: 'slo-budget', interval: minutes(15), records: budgetRecords(slo), alerts: [] },
    {
      name: 'slo',
      alerts: models.flatMap((model) => [
        ...BURNS.map((burn) => availability(model, afterCause(burn, thresholds.modelDownMinutes), slo)),
        ...BURNS.map((burn) => firstToken(model, burn, slo)),
      ]),
    },
  ];
}

const AVAILABILITY: Runbook = {
  meaning:
    'The model fails more often than is promised. With `window` 1h the promise of the whole month would be broken within two days, with 6h within five; 1d and 3d are slower and can wait for the day.',
  look: [
    on('$host', 'citadel health', 'shows whether it answers now'),
    ...MODEL_LOOK,
    on('a browser', 'http://DEV-OPS:3000/d/citadel-model', 'the dashboard of the model shows since when'),
  ],
  fix: [
    'Fix what the other alerts of this model say. The alert ends by itself when the short window is clean.',
    on('$host', 'citadel restart MODEL', 'if nothing else is known and it fails now'),
  ],
  escalate:
    'Critical: wake the person responsible for the models if it still fails after half an hour. Warning: wait for the morning.',
};

const FIRST_TOKEN: Runbook = {
  meaning: 'More answers begin late than is promised. No one is without an answer, everybody waits.',
  look: [
    on(
      'a browser',
      'http://DEV-OPS:3000/d/citadel-model',
      'the dashboard of the model: queue, length of prompts, cache',
    ),
    on('$host', 'nvidia-smi', 'shows whether the GPU is slowed down or shared'),
  ],
  fix: [
    'See [ModelQueueLong](#modelqueuelong) and [ModelCacheFull](#modelcachefull): less at a time, shorter prompts, more memory.',
  ],
  escalate:
    'Critical: wake the person responsible for the models if the queue keeps growing. Warning: wait for the morning.',
};

type Burn = (typeof BURNS)[number];

/**
 * Whoever is woken for a model that is down is not woken for its budget: the alert about the cause comes first. Where an outage was less than an
 * hour ago, the first minutes of the next one are a burn already.
 */
function afterCause(burn: Burn, downMinutes: number): Burn {
  const least = minutes(downMinutes + 1);
  const late = burn.severity === 'critical' && burn.wait.toSeconds() < least.toSeconds();
  return late ? { ...burn, wait: least } : burn;
}

function availability(model: WatchedModel, burn: Burn, slo: NodesFacts['slo']): AlertSpec {
  const level = neat(burn.factor * (1 - slo.availability));
  const who = `host="${model.host}", model="${model.name}"`;
  const labels = { host: model.host, model: model.name };
  const least = slo.minimumRequestsPerHour;
  const busy = Math.max(1, least * 2);
  const request = (ratio: number, now: number, perHour: number) => ({
    [series(ERRORS + burn.long, labels)]: steady(ratio, 400),
    [series(ERRORS + burn.short, labels)]: steady(now, 400),
    [series(REQUESTS + burn.long, labels)]: steady(perHour, 400),
  });
  const probed = (ratio: number, now: number) => ({
    [series(PROBES + burn.long, labels)]: steady(ratio, 400),
    [series(PROBES + burn.short, labels)]: steady(now, 400),
  });
  const expected: FiringAlert = { labels, value: above(level) };
  return alert('ModelAvailabilityBurn', burn.severity, {
    labels: { ...labels, window: burn.long },
    expr:
      `max by (host, model) (\n  (${ERRORS}${burn.long}{${who}} > ${level} and ${ERRORS}${burn.short}{${who}} > ${level}\n` +
      `    and ${REQUESTS}${burn.long}{${who}} > ${least})\n` +
      `  or (${PROBES}${burn.long}{${who}} > ${level} and ${PROBES}${burn.short}{${who}} > ${level})\n)\n` +
      // Models of one GPU load one after another; what that costs is in the budget, and nothing is broken.
      `unless on (host) max_over_time(${LOADING}{host="${model.host}"}[${burn.short}]) == 1` +
      unlessTold(burn.severity, model.host, model.name, burn.short),
    for: burn.wait,
    summary: `{{ $labels.model }} on {{ $labels.host }} fails in {{ $value | humanizePercentage }} of the cases (over ${burn.long})`,
    description: `Requests, or probes, fail ${burn.factor} times as often as ${neat(100 * (1 - slo.availability))} % a month allow.`,
    runbook: AVAILABILITY,
    tests: [
      fires('requests fail', request(above(level), above(level), least * 1.01 + 0.001), expected),
      fires('probes fail, and no one asks', probed(above(level), above(level)), expected),
      silent('models of its host were loading until now', {
        ...request(1, 1, busy),
        ...probed(1, 1),
        [series(LOADING, { host: model.host })]: steady(1, 400),
      }),
      ...(burn.severity === 'critical'
        ? [told('ModelHung', labels), told('HostDown', { host: model.host })].map((outage) =>
            silent('a person was woken for it', { ...probed(1, 1), [outage]: steady(1, 400) }),
          )
        : []),
      silent('a little below the level', {
        ...request(below(level), above(level), busy),
        ...probed(below(level), above(level)),
      }),
      silent('it is over', {
        ...request(above(level), below(level), busy),
        ...probed(above(level), below(level)),
      }),
      ...(least === 0 ? [] : [silent('too few requests to say', request(1, 1, neat(least * 0.99)))]),
    ],
  });
}

function firstToken(model: WatchedModel, burn: Burn, slo: NodesFacts['slo']): AlertSpec {
  // A ratio ends at one: a fast burn of a large budget means that nothing comes in time.
  const level = Math.min(0.98, neat(burn.factor * (1 - slo.timeToFirstTokenObjective)));
  const who = `host="${model.host}", model="${model.name}"`;
  const labels = { host: model.host, model: model.name };
  const least = slo.minimumRequestsPerHour;
  const busy = Math.max(1, least * 2);
  const late = (ratio: number, now: number, perHour: number) => ({
    [series(LATE + burn.long, labels)]: steady(ratio, 400),
    [series(LATE + burn.short, labels)]: steady(now, 400),
    [series(ANSWERS + burn.long, labels)]: steady(perHour, 400),
  });
  return alert('ModelFirstTokenBurn', burn.severity, {
    labels: { ...labels, window: burn.long },
    expr: `${LATE}${burn.long}{${who}} > ${level} and ${LATE}${burn.short}{${who}} > ${level}\nand ${ANSWERS}${burn.long}{${who}} > ${least}`,
    for: burn.wait,
    summary: `{{ $value | humanizePercentage }} of the answers of {{ $labels.model }} on {{ $labels.host }} begin late (over ${burn.long})`,
    description: `More than ${slo.timeToFirstTokenSec} s to the first token ${burn.factor} times as often as ${neat(100 * (1 - slo.timeToFirstTokenObjective))} % a month allow.`,
    runbook: FIRST_TOKEN,
    tests: [
      fires('a little above the level', late(above(level), above(level), least * 1.01 + 0.001), {
        labels,
        value: above(level),
      }),
      silent('a little below it', late(below(level), above(level), busy)),
      silent('it is over', late(above(level), below(level), busy)),
      ...(least === 0 ? [] : [silent('too few requests to say', late(1, 1, neat(least * 0.99)))]),
    ],
  });
}
