import { emptyingNote, planNotes } from '../../engine/plan/notes.js';
import type { Change, ChangeAction, HostPlan } from '../../engine/model.js';
import { attributeLine, changedAttributes } from './attributes.js';
import { interrupts } from './change-details.js';
import { plural, visible, type Style } from './style.js';

const SYMBOL: Readonly<Record<ChangeAction, string>> = { create: '+', update: '~', delete: '-' };
const WORD: Readonly<Record<ChangeAction, string>> = {
  create: 'to create',
  update: 'to update',
  delete: 'to delete',
};

/** What a plan is of, in the heading. */
export interface PlanHeading {
  /** `agent0@192.168.10.35:22`, or a directory. */
  readonly where: string;
  /** False for a plan that no host was asked for. @default true */
  readonly generation?: boolean;
}

/**
 * A plan as a person reads it: a heading, each change with what is different, what it restarts and where it comes from,
 * then remarks and one line of summary. Ends with a newline.
 */
export function planText(plan: HostPlan, { where, generation = true }: PlanHeading, style: Style): string {
  const origin = generation ? `${visible(where)}, ${generationText(plan)}` : visible(where);
  const heading = `${style.bold(plan.host)}  ${style.dim(origin)}`;
  const changes = plan.changes.flatMap((change) => ['', ...changeLines(change, style)]);
  const emptying = emptyingNote(plan);
  const remarks = planNotes(plan).filter((note) => note !== emptying);
  return [
    heading,
    ...(emptying === undefined ? [] : ['', `  ${style.red('!')} ${style.bold(emptying)}`]),
    ...changes,
    '',
    ...(remarks.length === 0
      ? []
      : [...remarks.map((text) => `  ${style.yellow('!')} ${visible(text)}`), '']),
    `  ${summary(plan, style)}`,
    '',
  ].join('\n');
}

/** True when an apply would do anything to the host but write down what is so already. */
export function needsWork(plan: HostPlan): boolean {
  return (
    plan.changes.length > 0 ||
    plan.unitActions.length > 0 ||
    plan.observed.debts.length > 0 ||
    (plan.observed.open !== null && !plan.observed.open.running)
  );
}

/** True when an apply would write anything at all to the host. */
export function needsApply(plan: HostPlan): boolean {
  return needsWork(plan) || plan.record;
}

function generationText(plan: HostPlan): string {
  const { generation } = plan.observed;
  return generation === null ? 'never applied' : `generation ${generation}`;
}

export function changeLines(change: Change, style: Style): string[] {
  const paint = { create: style.green, update: style.yellow, delete: style.red }[change.action];
  const heading = `  ${paint(`${SYMBOL[change.action]} ${change.section}`)} ${style.bold(visible(change.key))}`;
  const details = [
    ...attributes(change).map((line) => `      ${line}`),
    ...diffLines(change.diff, style).map((line) => `      ${line}`),
    ...labelled(interrupts(change), change.restarts, style.yellow),
    ...labelled('reloads', change.reloads, style.yellow),
    ...labelled('note', change.note === undefined ? [] : [change.note], style.cyan),
    ...labelled('from', change.origin === undefined ? [] : [change.origin], style.dim),
  ];
  return [`${heading}  ${causeText(change, style)}`, ...details];
}

function causeText(change: Change, style: Style): string {
  return change.cause === 'config' ? style.dim('(config)') : style.red(`(${change.cause})`);
}

/** What a kind of item is anyway; saying so again is noise. */
const USUAL_TYPE: Readonly<Record<string, string>> = {
  files: 'file',
  directories: 'directory',
  symlinks: 'symlink',
};

function attributes(change: Change): string[] {
  if (change.action === 'update') {
    return changedAttributes(withoutNoise(change, change.before), withoutNoise(change, change.after));
  }
  const line = attributeLine(withoutNoise(change, change.action === 'create' ? change.after : change.before));
  return line === '' ? [] : [line];
}

function withoutNoise(change: Change, attributes: Change['before'] = {}): Readonly<Record<string, unknown>> {
  const { type, size, ...rest } = attributes;
  return {
    ...rest,
    ...((change.action === 'update' || type !== USUAL_TYPE[change.section]) && { type }),
    // The lines themselves say more.
    ...(change.diff === undefined && { size }),
  };
}

function labelled(
  label: string,
  values: readonly string[] | undefined,
  paint: (text: string) => string,
): string[] {
  if (values === undefined || values.length === 0) return [];
  return [`      ${paint(label)} ${values.map(visible).join(', ')}`];
}

/** The body of a unified diff; the two lines that name the file say nothing that the heading does not. */
function diffLines(diff: string | undefined, style: Style): string[] {
  if (diff === undefined || diff === '') return [];
  const lines = diff.replace(/\n$/, '').split('\n');
  const first = lines.findIndex((line) => line.startsWith('@@'));
  return lines.slice(Math.max(first, 0)).map((line) => {
    const text = visible(line);
    if (line.startsWith('@@')) return style.cyan(text);
    if (line.startsWith('+')) return style.green(text);
    if (line.startsWith('-')) return style.red(text);
    return text;
  });
}

function summary(plan: HostPlan, style: Style): string {
  if (plan.changes.length === 0) {
    if (needsWork(plan)) return style.bold('No item differs; an apply finishes what an earlier run left.');
    if (plan.record)
      return `Nothing differs; an apply records it as a generation (digest ${plan.digest.slice(0, 12)}).`;
    return style.green('Nothing to do.');
  }
  const counts = (['create', 'update', 'delete'] as const)
    .map((action) => ({ action, count: plan.changes.filter((change) => change.action === action).length }))
    .filter(({ count }) => count > 0)
    .map(({ action, count }) => `${count} ${WORD[action]}`);
  const drifted = plan.changes.filter((change) => change.cause !== 'config').length;
  const drift = drifted === 0 ? '' : `; ${drifted} changed on the host by hand`;
  const steps = plan.unitActions.map(({ verb, unit }) => `${verb} ${visible(unit)}`);
  const units = steps.length === 0 ? '' : `\n  Units, in this order: ${steps.join(', ')}.`;
  return `${style.bold(`${plural(plan.changes.length, 'change')}: ${counts.join(', ')}`)}${drift}.${units}`;
}
