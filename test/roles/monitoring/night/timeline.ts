import { renderYaml } from '../../../../lib/render/index.js';
import type { RuleGroup } from '../../../../lib/constructs/monitoring/rules/index.js';
import { writeTree } from '../../../stacks/scratch.js';
import { runPromtool } from '../promtool.js';
import type { Labels } from '../world.js';
import { clock, within, type Life } from './life.js';

/** Alerts that begin or end to fire at a minute. */
export interface Change {
  readonly minute: number;
  readonly begin: readonly Labels[];
  readonly end: readonly Labels[];
}

const ASKED = 'ALERTS{alertstate="firing", alertname!="Watchdog"}';

/**
 * When which alert fires, by promtool's own evaluation of the rules once a minute: it is told that nothing ever fires, and prints where that is
 * wrong. Times in which Prometheus itself is off are left out.
 */
export async function timeline(
  directory: string,
  life: Life,
  groups: readonly RuleGroup[],
  history: Readonly<Record<string, string>>,
): Promise<Change[]> {
  const files = groups.map(({ name, text }) => [`${name}.yml`, text] as const);
  const minutes = Array.from({ length: life.minutes + 1 }, (_none, minute) => minute).filter(
    (minute) => !within(life.unwatched, minute),
  );
  writeTree(directory, {
    ...Object.fromEntries(files),
    'life.test.yml': renderYaml({
      rule_files: files.map(([file]) => file),
      evaluation_interval: '1m',
      // Its own order changes from run to run; burns look at what other alerts say.
      group_eval_order: [...groups]
        .map(({ name }) => name)
        .sort((a, b) => Number(a === 'slo') - Number(b === 'slo')),
      tests: [
        {
          interval: '1m',
          input_series: Object.entries(history).map(([series, values]) => ({ series, values })),
          promql_expr_test: minutes.map((minute) => ({ expr: ASKED, eval_time: `${minute}m` })),
        },
      ],
    }),
  });
  return readTimeline(minutes, await runPromtool(directory, ['test', 'rules', 'life.test.yml']));
}

/** @param minutes that promtool was asked about */
export function readTimeline(minutes: readonly number[], output: string): Change[] {
  return changes(minutes, read(output));
}

/** What promtool says that it got, by minute. */
function read(output: string): Map<number, Map<string, Labels>> {
  const found = new Map<number, Map<string, Labels>>();
  for (const [, time = '', got = ''] of output.matchAll(
    /^ {4}expr: .*, time: (\S+?),\n {8}exp: ?nil\n {8}got: ?(.*(?:\n(?! {4}expr:| {2}\S|$).*)*)/gm,
  )) {
    const alerts = [...got.matchAll(/\{(.*?)\} 1E\+00/g)].map(([, text = '']) => labelsOf(text));
    if (alerts.length === 0) throw new Error(`promtool's answer at ${time} cannot be read: ${got}`);
    found.set(minutesOf(time), new Map(alerts.map((labels) => [JSON.stringify(labels), labels])));
  }
  if (found.size === 0 && !/^ {2}SUCCESS$/m.test(output))
    throw new Error(`promtool says: ${output.slice(0, 2000)}`);
  return found;
}

function labelsOf(text: string): Labels {
  const labels = [...text.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(
    ([, name = '', value = '']) => [name, value] as const,
  );
  return Object.fromEntries(labels.filter(([name]) => name !== '__name__' && name !== 'alertstate'));
}

/** `1d2h3m` */
function minutesOf(time: string): number {
  const units: Readonly<Record<string, number>> = { w: 10_080, d: 1440, h: 60, m: 1, s: 1 / 60 };
  return [...time.matchAll(/(\d+)([wdhms])/g)].reduce(
    (sum, [, count, unit = '']) => sum + Number(count) * (units[unit] ?? 0),
    0,
  );
}

function changes(
  minutes: readonly number[],
  firing: ReadonlyMap<number, ReadonlyMap<string, Labels>>,
): Change[] {
  let before: ReadonlyMap<string, Labels> = new Map();
  let next = 0;
  return minutes.flatMap((minute) => {
    // A Prometheus that was off begins with nothing.
    const lost =
      next < minute && before.size > 0 ? [{ minute: next, begin: [], end: [...before.values()] }] : [];
    if (next < minute) before = new Map();
    next = minute + 1;
    const now = firing.get(minute) ?? new Map<string, Labels>();
    const begin = [...now].flatMap(([key, labels]) => (before.has(key) ? [] : [labels]));
    const end = [...before].flatMap(([key, labels]) => (now.has(key) ? [] : [labels]));
    before = now;
    return [...lost, ...(begin.length + end.length === 0 ? [] : [{ minute, begin, end }])];
  });
}

/** `critical ModelDown ai-node phi3` */
export function named({ severity = '', alertname = '', host = '', ...labels }: Labels): string {
  const subject = ['model', 'mountpoint', 'backup', 'service', 'window'].flatMap((name) => {
    const value = labels[name];
    // Of a model that is probed the service is the model.
    return value === undefined || (name === 'service' && value === labels['model']) ? [] : [value];
  });
  return [severity, alertname, host, ...subject].filter((word) => word !== '').join(' ');
}

/** For a person: `Tue 02:13 .. Tue 03:31 critical HostDown ai-node`. */
export function firingTable(all: readonly Change[]): string[] {
  const open = new Map<string, number>();
  const rows: (readonly [number, string])[] = [];
  for (const { minute, begin, end } of all) {
    for (const labels of end) {
      const from = open.get(JSON.stringify(labels)) ?? 0;
      open.delete(JSON.stringify(labels));
      rows.push([from, `${clock(from)} .. ${clock(minute)} ${named(labels)}`]);
    }
    for (const labels of begin) open.set(JSON.stringify(labels), minute);
  }
  for (const [key, from] of open) rows.push([from, `${clock(from)} .. ${named(JSON.parse(key) as Labels)}`]);
  return rows.sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1)).map(([, row]) => row);
}
