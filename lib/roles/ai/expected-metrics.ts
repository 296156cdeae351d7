import { order } from '../../text/order.js';

/** What should be there, by the inventory. */
export interface Expected {
  /** Mount points. */
  readonly mounts: readonly string[];
  /** Number of GPUs. */
  readonly gpus: number;
  /** Memory of each, in bytes, by its number. @default - nothing is expected of it */
  readonly gpuMemory?: readonly number[];
  /** Names of models that start at boot. */
  readonly models: readonly string[];
  /** Backups of models, `models-daily` and so on, and `configs`: how old the newest success may be, in seconds. */
  readonly backups: Readonly<Record<string, number>>;
  /** Names of models that are backed up. */
  readonly backedUp: readonly string[];
  /** How long ago all backups may last have been read back, in seconds. @default - no one reads them back */
  readonly verifyMaxAgeSec?: number;
}

/** The backup that is of no model. */
const CONFIGS = 'configs';

/**
 * `citadel-expected.prom` for the node exporter: what this node should have, so that an alert can tell "missing" from "never
 * meant to be". It changes with the inventory only.
 */
export function expectedMetrics(expected: Expected): string {
  const backups = Object.entries(expected.backups).sort(([a], [b]) => order(a, b));
  const names = [...expected.backedUp].sort(order);
  return [
    ...family(
      'citadel_backup_expected',
      'Backups that should be made.',
      backups.flatMap(([backup]) =>
        backup === CONFIGS ? [[{ backup }, 1]] : names.map((model) => [{ backup, model }, 1]),
      ),
    ),
    ...family(
      'citadel_backup_max_age_seconds',
      'How old the newest success of a backup may be.',
      backups.map(([backup, seconds]) => [{ backup }, Math.ceil(seconds)]),
    ),
    ...family(
      'citadel_backup_verify_max_age_seconds',
      'How long ago all backups may last have been read back.',
      expected.verifyMaxAgeSec === undefined ? [] : [[{}, Math.ceil(expected.verifyMaxAgeSec)]],
    ),
    ...family('citadel_gpu_expected', 'GPUs that the driver should find.', [[{}, expected.gpus]]),
    ...family(
      'citadel_gpu_expected_memory_bytes',
      'Memory that each of them should have.',
      (expected.gpuMemory ?? []).map((bytes, gpu) => [{ gpu: String(gpu) }, bytes]),
    ),
    ...family(
      'citadel_model_expected',
      'Models that should serve.',
      [...expected.models].sort(order).map((model) => [{ model }, 1]),
    ),
    ...family(
      'citadel_mount_expected',
      'File systems that should be mounted.',
      [...expected.mounts].sort(order).map((mountpoint) => [{ mountpoint }, 1]),
    ),
  ].join('');
}

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number];

/** Nothing at all where there is no sample: a family without one says nothing. */
function family(name: string, help: string, samples: readonly (readonly [Sample[0], number])[]): string[] {
  if (samples.length === 0) return [];
  const lines = samples.map(([labels, value]) => {
    const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escape(text)}"`);
    return `${name}${pairs.length === 0 ? '' : `{${pairs.join(',')}}`} ${value}\n`;
  });
  return [`# HELP ${name} ${help}\n`, `# TYPE ${name} gauge\n`, ...lines];
}

/** Label values of the text format know three escapes. */
function escape(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
