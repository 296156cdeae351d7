import { DOCUMENT_PARTS } from '../../manifest/schema.js';
import { leftText } from '../left-item.js';
import type { Change, HostPlan, ObservedHost } from '../model.js';

/**
 * Said before anything else: a document without items may be meant, and looks harmless where it is not.
 *
 * @returns `undefined` for every other plan, and where there is nothing to take away
 */
export function emptyingNote(plan: Pick<HostPlan, 'manifest' | 'changes' | 'observed'>): string | undefined {
  const empty = DOCUMENT_PARTS.every((section) => Object.keys(plan.manifest[section] ?? {}).length === 0);
  if (!empty || plan.changes.length === 0) return undefined;
  const what = `everything that generation ${String(plan.observed.generation ?? 'none')} has is stopped and removed`;
  return `THIS EMPTIES THE HOST: nothing is declared for it, so ${what}`;
}

/** Where a plan is known to be able to do that. */
const CUTS_OFF =
  'this can cut the operator off: the host undoes it by itself unless a new connection can be made afterwards';

/** All that is to be said of a plan besides its changes, the gravest first. */
export function planNotes(plan: HostPlan): string[] {
  return [emptyingNote(plan) ?? [], plan.risky ? CUTS_OFF : [], ...new Set(plan.notes)].flat();
}

/** What an earlier run left behind, as a text for people. */
export function hostNotes(observed: ObservedHost): string[] {
  const notes: string[] = [];
  const { open, debts } = observed;
  if (open?.running === true) {
    notes.push(
      `${open.who} has been applying to this host since ${open.since} (${open.state}); this plan may be out of date`,
    );
  } else if (open?.left !== undefined) {
    notes.push(
      `an earlier transaction of ${open.who} from ${open.since} could not be undone: ${open.left.map(leftText).join('; ')}`,
    );
  } else if (open !== null) {
    notes.push(
      `a transaction of ${open.who} from ${open.since} was interrupted (${open.state}); the next apply undoes it first`,
    );
  }
  if (observed.reboot !== undefined) notes.push(`owes a reboot: ${observed.reboot.join('; ')}`);
  if (debts.length > 0) notes.push(`owed by an earlier run: ${debts.join(', ')}`);
  return notes;
}

/** Packages whose new version works only in a kernel that was started with it: kernels, and drivers of GPUs. */
const AT_BOOT = /^(?:linux-image-|nvidia-.*dkms$)/;

/** That a package of this plan may work only after a reboot; nothing boots in an offline root. */
export function bootNotes(changes: readonly Change[], { offline }: Pick<ObservedHost, 'offline'>): string[] {
  if (offline !== null) return [];
  const names = changes.flatMap(({ section, action, key }) =>
    section === 'packages' && action !== 'delete' && AT_BOOT.test(key) ? [key] : [],
  );
  if (names.length === 0) return [];
  return [
    `may need a reboot before ${names.join(', ')} works: "citadel-iac status" says whether, and "apply --reboot" does it`,
  ];
}
