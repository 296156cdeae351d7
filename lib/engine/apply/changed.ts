import type { Change, HostPlan } from '../model.js';

/** Takes a file of the transaction's folder: its name and its text. */
export type AddText = (name: string, value: string) => void;

export function changed(plan: HostPlan, section: Change['section']): Change[] {
  return plan.changes.filter((change) => change.section === section);
}

export function deleted(plan: HostPlan, section: Change['section']): Change[] {
  return changed(plan, section).filter((change) => change.action === 'delete');
}
