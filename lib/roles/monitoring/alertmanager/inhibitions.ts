import type { Inhibition } from './routing.js';

/**
 * A critical alert about a thing makes the warning about the same thing superfluous. Every label that tells one thing of a
 * host from another has to be here: without `gpu`, a GPU that is too hot would hide that another one becomes hot.
 */
const CRITICAL_OVER_WARNING: Inhibition = {
  source: ['severity="critical"'],
  target: ['severity="warning"'],
  equal: ['alertname', 'host', 'device', 'gpu', 'model', 'mountpoint', 'service'],
};

/**
 * Ways in which a model serves no one, from the cause to what follows from it. Each silences those after it and never one before:
 * two alerts that silence each other are told to no one.
 */
const DEAD_MODEL = ['ModelHung', 'ModelDown', 'ModelProbeFailing', 'ModelWedged', 'ModelStalled'] as const;

/** What a model that serves no one shows as well. */
const OF_A_DEAD_MODEL = [
  'ModelAvailabilityBurn',
  'ModelCacheFull',
  'ModelEngineErrors',
  'ModelFirstTokenBurn',
  'ModelFirstTokenSlow',
  'ModelHttpErrors',
  'ModelInterTokenSlow',
  'ModelMetricsMissing',
  'ModelOverloaded',
  'ModelPreempting',
  'ModelProbeMissing',
  'ModelProbeSlow',
  'ModelQueueLong',
] as const;

const named = (names: readonly string[]): string[] =>
  names.length === 1 ? [`alertname="${names[0] ?? ''}"`] : [`alertname=~"${names.join('|')}"`];

const cause = (source: string, consequences: readonly string[], equal: readonly string[]): Inhibition => ({
  source: named([source]),
  target: named(consequences),
  equal,
});

/** One cause, one message: what is not sent while its cause is told. */
export function inhibitions(): readonly Inhibition[] {
  return [
    CRITICAL_OVER_WARNING,
    { source: named(['HostDown']), target: ['alertname!="HostDown"'], equal: ['host'] },
    ...DEAD_MODEL.map((name, index) =>
      cause(name, [...DEAD_MODEL.slice(index + 1), ...OF_A_DEAD_MODEL], ['host', 'model']),
    ),
    cause('ModelOverloaded', ['ModelFirstTokenSlow', 'ModelProbeSlow', 'ModelQueueLong'], ['host', 'model']),
    cause('ExporterDown', ['ModelProbeMissing'], ['host']),
    cause('BackupFailed', ['BackupNeverRan', 'BackupStale'], ['host', 'backup']),
    cause('DiskSpaceLow', ['BackupDiskLow', 'DiskFullIn24h'], ['host', 'device', 'mountpoint']),
  ];
}
