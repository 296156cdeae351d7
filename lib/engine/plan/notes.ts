import type { ObservedHost } from '../model.js';

/** What an earlier run left behind, in words for people. */
export function hostNotes(observed: ObservedHost): string[] {
  const notes: string[] = [];
  const { open, debts } = observed;
  if (open?.running === true) {
    notes.push(
      `${open.who} has been applying to this host since ${open.since} (${open.state}); this plan may be out of date`,
    );
  } else if (open !== null) {
    notes.push(
      `a transaction of ${open.who} from ${open.since} was interrupted (${open.state}); the next apply undoes it first`,
    );
  }
  if (debts.length > 0) notes.push(`owed by an earlier run: ${debts.join(', ')}`);
  return notes;
}
