import type { Change, HostPlan } from '../../../engine/model.js';
import { shortLine } from './long-lines.js';
import type { HostView } from './view.js';

/**
 * What an apply will do next to making the items equal: unit actions with their reasons, work owed by an earlier run,
 * and the dead-man's switch. In the order in which the host does it; the same plan gives the same lines.
 */
export function plannedActions(plan: HostPlan): string[] {
  const lines = plan.observed.debts.map((debt) => `${debt} (owed by an earlier run)`);
  for (const action of plan.unitActions) {
    const reasons = plan.changes.filter((change) => concerns(change, action.unit)).map(nameOf);
    lines.push(`${action.verb} ${action.unit}${reasons.length === 0 ? '' : ` (${reasons.join(', ')})`}`);
  }
  if (plan.risky) lines.push('undo everything by itself unless this machine still gets through afterwards');
  if (plan.record && plan.changes.length === 0)
    lines.push('record a generation; nothing on the host differs');
  return lines;
}

function concerns(change: Change, unit: string): boolean {
  return (
    (change.restarts?.includes(unit) ?? false) ||
    (change.reloads?.includes(unit) ?? false) ||
    (change.section === 'units' && change.key === unit)
  );
}

function nameOf(change: Change): string {
  return `${change.section} ${change.key}`;
}

/**
 * What is on the host and differs, by item: the lines of a text as a unified diff, and the attributes where the state does not
 * show them, because it does not know the item. What is made, and what goes, is shown by the items themselves.
 *
 * @param prior what the state knows; nothing when the resource is about to be created
 */
export function plannedChanges(plan: HostPlan, prior: HostView | undefined): Record<string, string[]> {
  const changes: Record<string, string[]> = {};
  for (const change of plan.changes) {
    if (change.action !== 'update' && (change.section !== 'blocks' || change.action === 'delete')) continue;
    const known = prior?.[change.section][change.key] !== undefined;
    const lines = [...(known ? [] : attributeLines(change)), ...diffLines(change)];
    if (lines.length > 0) changes[change.section === 'files' ? change.key : nameOf(change)] = lines;
  }
  return changes;
}

/** Without the two lines that name the file. What will stand there has its secrets by name, so that it depends on no value. */
function diffLines(change: Change): string[] {
  if (change.diff === undefined || change.diff === '')
    return change.note === undefined ? [] : [`<${change.note}>`];
  const lines = change.diff.replace(/\n$/, '').split('\n').slice(2);
  return lines.map((line) => shortLine(line.startsWith('-') ? line : withoutDigests(line)));
}

function withoutDigests(line: string): string {
  return line.replace(/<secret ([a-z0-9_]+) #[0-9a-f]+>/g, '<secret $1>');
}

function attributeLines(change: Change): string[] {
  const before = change.before ?? {};
  const after = change.after ?? {};
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
  return names
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]) && !NOISE.has(name))
    .map((name) => `${name}: ${show(before[name])} -> ${show(after[name])}`);
}

/** Contents are shown as a line diff. */
const NOISE = new Set(['sha256', 'size']);

function show(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
