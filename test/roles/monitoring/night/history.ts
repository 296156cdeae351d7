import { FIRST_TOKEN_BOUNDS } from '../../../../lib/constructs/monitoring/metrics/index.js';
import type { RuleGroup } from '../../../../lib/constructs/monitoring/rules/index.js';
import { series, type Labels } from '../world.js';
import { MODELS, within, type Life } from './life.js';

const NODE = 'ai-node';
const MINUTE_SEC = 60;
const DISK_BYTES = 1_000_000;
/** Of people; the node's own probes are two more. */
const REQUESTS_A_MINUTE = 18;
const PROBES_A_MINUTE = 2;
const TOKENS_A_MINUTE = 600;
/** Newest first: minute at which a run of the daily backup ends. */
const DAILY_RUN = 2 * 60 + 30;

/** A value a minute; undefined where the series has none. */
type Course = (minute: number) => number | undefined;

/** All that Prometheus sees of a life, as promtool takes it. @param groups that say which targets there have to be */
export function history(
  life: Life,
  groups: readonly RuleGroup[],
  firstTokenSec: number,
): Record<string, string> {
  const off = (minute: number) => within(life.off, minute);
  const node =
    (of: (minute: number) => number): Course =>
    (minute) =>
      off(minute) ? undefined : of(minute);
  const of = (metric: string, job: string, labels: Labels, course: Course) =>
    [series(metric, { host: NODE, job, ...labels }), course] as const;
  const targets = groups
    .flatMap((group) => group.records)
    .filter(({ props, labels }) => props.record === 'job:targets:expected' && labels['job'] !== 'vllm')
    .map(({ labels }): readonly [string, Course] => [
      series('up', labels),
      (minute) => (labels['host'] === NODE && labels['job'] !== 'probe' && off(minute) ? 0 : 1),
    ]);
  const [start] = life.disk;
  const used = (minute: number): number => {
    let [left, right] = [start, start];
    for (const point of life.disk) {
      right = point;
      if (point[0] > minute) break;
      left = point;
    }
    if (left === undefined || right === undefined || right[0] <= left[0]) return left?.[1] ?? 0;
    return left[1] + ((right[1] - left[1]) * (minute - left[0])) / (right[0] - left[0]);
  };
  const boots = life.off.map(([, to]) => to);
  const booted = (minute: number) => Math.max(...boots.filter((boot) => boot <= minute), -14_400);
  const all: (readonly [string, Course])[] = [
    ...targets,
    of(
      'node_boot_time_seconds',
      'node',
      {},
      node((minute) => booted(minute) * MINUTE_SEC),
    ),
    ...[NODE, 'dev-ops'].map((host): readonly [string, Course] => [
      series('citadel_config_drift_last_check_timestamp_seconds', { host, job: 'node' }),
      (minute) => (host === NODE && off(minute) ? undefined : minute * MINUTE_SEC),
    ]),
    ...disk('/mnt/citadel-models', '/dev/nvme1n1p1', used),
    ...disk('/mnt/citadel-backup', '/dev/sda1', () => 40),
    ...backup('configs', 15, (minute) => minute - (minute % 15), 3600),
    ...backup('models-daily', 24 * 60, (minute) => minute - ((minute - DAILY_RUN + 1440) % 1440), 26 * 3600),
    ...MODELS.flatMap((model) => ofModel(life, model, firstTokenSec)),
  ];
  return Object.fromEntries(all.map(([name, course]) => [name, write(life, course)]));

  function disk(mountpoint: string, device: string, percent: (minute: number) => number) {
    const labels = { device, fstype: 'ext4', mountpoint };
    const free = (minute: number) => Math.round(DISK_BYTES * (1 - percent(minute) / 100));
    return [
      of(
        'node_filesystem_size_bytes',
        'node',
        labels,
        node(() => DISK_BYTES),
      ),
      of('node_filesystem_avail_bytes', 'node', labels, node(free)),
      of(
        'node_filesystem_readonly',
        'node',
        labels,
        node(() => 0),
      ),
      of(
        'citadel_mount_expected',
        'node',
        { mountpoint },
        node(() => 1),
      ),
    ];
  }

  /** A run that would have been while the host was off was not. */
  function backup(name: string, everyMinutes: number, last: (minute: number) => number, maxAgeSec: number) {
    const spans = life.failed.flatMap((each) => (each.backup === name ? [each.span] : []));
    const good = (minute: number): number => {
      let run = last(minute);
      while (run >= 0 && (off(run) || within(spans, run))) run -= everyMinutes;
      return run;
    };
    return [
      of(
        'citadel_backup_last_run_success',
        'node',
        { backup: name },
        node((minute) => (within(spans, minute) ? 0 : 1)),
      ),
      of(
        'citadel_backup_max_age_seconds',
        'node',
        { backup: name },
        node(() => maxAgeSec),
      ),
      ...(name === 'configs' ? [''] : MODELS).map((model) =>
        of(
          'citadel_backup_last_success_timestamp_seconds',
          'node',
          { backup: name, ...(model !== '' && { model }) },
          node((minute) => good(minute) * MINUTE_SEC),
        ),
      ),
    ];
  }
}

function ofModel(life: Life, model: string, firstTokenSec: number): (readonly [string, Course])[] {
  const spansOf = (list: Life['loading']) =>
    list.flatMap((each) => (each.model === model ? [each.span] : []));
  const [loads, hangs, gone] = [spansOf(life.loading), spansOf(life.wedged), spansOf(life.dead)];
  const off = (minute: number) => within(life.off, minute);
  // After a boot the second model of a GPU waits for the first.
  const waits = (minute: number) =>
    life.off.some(([, boot]) => {
      const first = loads.find(([from]) => from >= boot);
      return first !== undefined && minute >= boot && minute < first[0] && first[0] - boot < 60;
    });
  const loading = (minute: number) => within(loads, minute);
  const serves = (minute: number) =>
    !off(minute) && !loading(minute) && !waits(minute) && !within(gone, minute);
  const well = (minute: number) => serves(minute) && !within(hangs, minute);
  const inside = { host: 'ai-node', job: 'citadel', model };
  const engine = { host: 'ai-node', job: 'vllm', model, model_name: model, engine: '0' };
  const le = FIRST_TOKEN_BOUNDS.get(firstTokenSec) ?? String(firstTokenSec);
  const node =
    (of: (minute: number) => number): Course =>
    (minute) =>
      off(minute) ? undefined : of(minute);
  const said =
    (of: (minute: number) => number): Course =>
    (minute) =>
      serves(minute) ? of(minute) : undefined;
  const bit = (is: boolean) => (is ? 1 : 0);
  const counted = (there: (minute: number) => boolean, perMinute: number): Course =>
    counter(life, there, (minute) => (well(minute) ? perMinute : 0));
  let last = 0;
  const lastWell = Array.from(
    { length: life.minutes + 1 },
    (_none, minute) => (last = well(minute) ? minute : last),
  );
  const restarts = life.restarted.filter((each) => each.model === model);
  const unit = {
    host: 'ai-node',
    job: 'node',
    name: `citadel-${model}.service`,
    state: 'activating',
    type: 'exec',
  };
  const requests = REQUESTS_A_MINUTE + PROBES_A_MINUTE;
  return [
    [series('up', { host: 'ai-node', job: 'vllm', instance: model, model }), (minute) => bit(serves(minute))],
    [
      series('probe_success', { host: 'ai-node', job: 'probe', instance: model, model, service: model }),
      (minute) => bit(serves(minute)),
    ],
    [series('node_systemd_unit_state', unit), node((minute) => bit(loading(minute)))],
    [series('citadel_model_expected', { host: 'ai-node', job: 'node', model }), node(() => 1)],
    [series('citadel_model_up', inside), node((minute) => bit(serves(minute)))],
    [series('citadel_model_service_active', inside), node((minute) => bit(serves(minute)))],
    [series('citadel_model_probe_success', inside), node((minute) => bit(well(minute)))],
    [
      series('citadel_model_probe_last_success_timestamp_seconds', inside),
      node((minute) => (lastWell[minute] ?? 0) * MINUTE_SEC),
    ],
    [series('citadel_model_probes_total', inside), counted((minute) => !off(minute), PROBES_A_MINUTE)],
    [
      series('citadel_model_probes_within_total', { ...inside, seconds: le }),
      counted((minute) => !off(minute), PROBES_A_MINUTE),
    ],
    [
      series('citadel_monitor_model_restarts_total', inside),
      node((minute) => restarts.filter(({ at }) => at <= minute).length),
    ],
    [series('vllm:num_requests_running', engine), said((minute) => (well(minute) ? 1 : 3))],
    [series('vllm:kv_cache_usage_perc', engine), said(() => 0)],
    [series('vllm:inter_token_latency_seconds_count', engine), counted(serves, TOKENS_A_MINUTE)],
    [series('vllm:generation_tokens_total', engine), counted(serves, TOKENS_A_MINUTE)],
    [series('vllm:prompt_tokens_total', engine), counted(serves, TOKENS_A_MINUTE)],
    [series('vllm:request_success_total', { ...engine, finished_reason: 'stop' }), counted(serves, requests)],
    [series('vllm:time_to_first_token_seconds_count', engine), counted(serves, requests)],
    [series('vllm:time_to_first_token_seconds_bucket', { ...engine, le }), counted(serves, requests)],
    [
      series('http_requests_total', {
        host: 'ai-node',
        job: 'vllm',
        model,
        handler: '/v1/chat/completions',
        method: 'POST',
        status: '2xx',
      }),
      counted(serves, requests),
    ],
  ];
}

/** Begins at zero each time that it is there again. */
function counter(life: Life, there: (minute: number) => boolean, grows: (minute: number) => number): Course {
  let value = 0;
  const values = Array.from({ length: life.minutes + 1 }, (_none, minute) => {
    value = there(minute) ? value + grows(minute) : 0;
    return there(minute) ? value : undefined;
  });
  return (minute) => values[minute];
}

/** Where the target of a series is gone, the first value says so, as Prometheus does; where Prometheus is off, nothing does. */
function write(life: Life, course: Course): string {
  const parts: string[] = [];
  let run: { readonly from: number; by: number; more: number } | undefined;
  const flush = () => {
    if (run !== undefined) parts.push(run.more === 0 ? String(run.from) : line(run.from, run.by, run.more));
    run = undefined;
  };
  let before: number | undefined | 'unwatched' = 'unwatched';
  for (let minute = 0; minute <= life.minutes; minute++) {
    if (within(life.unwatched, minute)) {
      flush();
      parts.push('_');
      before = 'unwatched';
      continue;
    }
    const value = course(minute);
    if (value === undefined) {
      flush();
      parts.push(typeof before === 'number' ? 'stale' : '_');
    } else if (run === undefined) run = { from: value, by: 0, more: 0 };
    else if (run.more === 0) {
      run.by = value - run.from;
      run.more = 1;
    } else if (value === run.from + run.by * (run.more + 1)) run.more += 1;
    else {
      flush();
      run = { from: value, by: 0, more: 0 };
    }
    before = value;
  }
  flush();
  return parts.join(' ');
}

const line = (from: number, by: number, more: number): string =>
  `${from}${by < 0 ? '-' : '+'}${Math.abs(by)}x${more}`;
