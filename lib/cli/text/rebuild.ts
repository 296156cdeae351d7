import type { Loss } from '../../site/recovery.js';
import type { RebuildReport, StepRecord } from '../rebuild/report.js';
import type { Step } from '../rebuild/steps.js';
import { sizeText } from '../../text/size.js';
import { plural, visible, type Style } from './style.js';
import { table } from './table.js';

/** What a rebuild will do, and about how long it takes. */
export function rebuildPlanText(
  host: string,
  steps: readonly Step[],
  losses: readonly Loss[],
  style: Style,
): string {
  const total = steps.reduce((sum, { estimateSec }) => sum + estimateSec, 0);
  return [
    `${style.bold(host)}: rebuild, in about ${durationText(total)}`,
    '',
    indented(
      table(
        ['step', 'about', 'what'],
        steps.map(({ name, estimateSec, does }) => [name, durationText(estimateSec), visible(does)]),
        style,
      ),
    ),
    '  Cannot be rebuilt:',
    ...losses.map(({ what }) => `    - ${visible(what)}`),
    '',
  ].join('\n');
}

/** How it went: times, models, what is lost, what is left to do. */
export function rebuildReportText(report: RebuildReport, style: Style): string {
  const word = {
    rebuilt: style.green('rebuilt'),
    partly: style.yellow('partly rebuilt'),
    failed: style.red('failed'),
  };
  const inTime = report.seconds <= report.objectiveSec;
  const time = `${durationText(report.seconds)} of this run; the objective is ${durationText(report.objectiveSec)}`;
  const lines = [
    `${style.bold(report.host)}: ${word[report.outcome]}`,
    '',
    indented(table(['step', 'took', 'about', ''], report.steps.map(stepRow), style)),
    `  recovery time   ${inTime ? style.green(time) : style.red(time)}`,
    `  recovery point  ${pointText(report)}`,
    '',
  ];
  if (report.models.length > 0) {
    const rows = report.models.map(({ model, how, source, bytes, seconds, ageSec }) => [
      visible(model),
      how,
      visible(source ?? ''),
      bytes > 0 ? sizeText(bytes) : '',
      how === 'restored' || how === 'copied' || how === 'fetched' ? durationText(seconds) : '',
      ageSec === null ? '' : durationText(ageSec),
    ]);
    lines.push(indented(table(['model', 'how', 'from', 'size', 'took', 'age'], rows, style)));
    for (const { model, skipped } of report.models)
      for (const { archive, why } of skipped)
        lines.push(`  ${style.yellow('!')} ${visible(model)}: not from ${visible(archive)}: ${visible(why)}`);
  }
  if (report.data.length > 0) {
    const rows = report.data.map(({ path, how, bytes, ageSec }) => [
      visible(path),
      how,
      bytes > 0 ? sizeText(bytes) : '',
      ageSec === null ? '' : durationText(ageSec),
    ]);
    lines.push(indented(table(['kept off-site', 'how', 'size', 'age'], rows, style)));
  }
  lines.push(...section('Not rebuilt:', [...report.lostModels, ...report.lostData, ...report.losses], style));
  if (report.todo.length > 0)
    lines.push('  Left to do:', ...report.todo.map((text) => `    ${style.bold('→')} ${visible(text)}`), '');
  return lines.join('\n');
}

function section(title: string, losses: readonly Loss[], style: Style): string[] {
  return [
    `  ${title}`,
    ...losses.flatMap(({ what, fix }) => [`    - ${visible(what)}`, `      ${style.dim(visible(fix))}`]),
    '',
  ];
}

function stepRow({ name, outcome, seconds, estimateSec, detail }: StepRecord): string[] {
  const took = outcome === 'not reached' ? '' : durationText(seconds);
  const words = outcome === 'done' ? detail : detail === '' ? outcome : `${outcome}: ${detail}`;
  return [name, took, durationText(estimateSec), visible(words)];
}

function pointText({ recoveryPoint, models, data }: RebuildReport): string {
  if (recoveryPoint === null)
    return models.length + data.length === 0
      ? 'this host has no data of its own'
      : 'nothing came from a backup in this run';
  const count = [...models, ...data].filter(({ how }) => how === 'restored' || how === 'damaged').length;
  return `${durationText(recoveryPoint.ageSec)}: the age of the oldest of ${plural(count, 'backup')} (${visible(recoveryPoint.of)})`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => (line === '' ? '' : `  ${line}`))
    .join('\n');
}

/** `0.4 s`, `12 s`, `3 min 5 s`, `2 h 10 min`, `4 d 3 h`. */
export function durationText(seconds: number): string {
  if (seconds < 10) return `${Math.round(seconds * 10) / 10} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  const units: readonly [string, number, string, number][] = [
    ['d', 86_400, 'h', 3600],
    ['h', 3600, 'min', 60],
    ['min', 60, 's', 1],
  ];
  const [big, ratio, small, divisor] = units.find(([, size]) => whole >= size) ?? ['s', 1, 's', 1];
  const rest = Math.floor((whole % ratio) / divisor);
  return `${Math.floor(whole / ratio)} ${big}${rest > 0 ? ` ${rest} ${small}` : ''}`;
}
