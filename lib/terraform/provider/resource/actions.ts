import type { Change, HostPlan } from '../../../engine/model.js';
import { shortLine } from './long-lines.js';
import type { HostView } from './view.js';

/**
 * What an apply will do beside making the items equal: unit actions with their reasons, work owed by an earlier run,
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
 * What stands on the host without being known to Terraform's state and will be replaced: by item, a line diff of
 * its text, or its attributes before and after. Terraform would otherwise show such an item as merely created.
 *
 * @param prior what the state knows; nothing when the resource is about to be created
 */
export function plannedReplacements(plan: HostPlan, prior: HostView | undefined): Record<string, string[]> {
  const replaced: Record<string, string[]> = {};
  for (const change of plan.changes) {
    if (change.action !== 'update' || prior?.[change.section][change.key] !== undefined) continue;
    const attributes = attributeLines(change);
    const text =
      change.diff === undefined || change.diff === '' ? [] : change.diff.replace(/\n$/, '').split('\n');
    const key = change.section === 'files' ? change.key : nameOf(change);
    replaced[key] = [...attributes, ...text.map(shortLine)];
  }
  return replaced;
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
