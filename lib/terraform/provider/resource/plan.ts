import type { HostPlan } from '../../../engine/model.js';
import { planNotes } from '../../../engine/plan/notes.js';
import { isObject, sameValue, UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import { CitadelError } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import type { Session } from '../session.js';
import { plannedActions, plannedReplacements } from './actions.js';
import type { ManifestParser } from './manifest.js';
import { changedSince, marksOf, type Marks } from './marks.js';
import { stateValue, textOf, unknownState, viewOf, type HostState } from './state.js';
import { desiredView } from './view.js';
import { wantedHost, type WantedHost } from './wanted.js';

export interface PlanResult {
  readonly state: CtyValue;
  readonly marks: Marks;
  /** True when the host has another name: it is another host. */
  readonly replace: boolean;
  /** Remarks for the reader. */
  readonly notes: readonly string[];
}

export interface PlanInput {
  /** What the last read found; null when the resource is to be created. */
  readonly prior: CtyValue;
  readonly config: CtyObject;
  /** What that read saw. */
  readonly seen: Marks;
  /** True when the host is in the state although it is to be created: it will have been destroyed by then. */
  readonly replacing: boolean;
  /** Named in problems of a configuration that names no host. */
  readonly where: string;
}

/**
 * The host as it will be: everything from the document, except the number of the generation where a new one will be
 * made. A document in order with the host plans no change at all.
 *
 * @param session `undefined` while the provider's own block is not wholly known
 */
export async function planHost(
  session: Session | undefined,
  input: PlanInput,
  parse: ManifestParser,
): Promise<PlanResult> {
  const { prior, config } = input;
  const wanted = wantedHost(config, input.where, parse, session?.host);
  const name = config['name'] ?? null;
  const replace = isObject(prior) && name !== UNKNOWN && !sameValue(prior['name'] ?? null, name);
  if (wanted === undefined && (replace || input.replacing)) throw replacedByUnknown(input);
  if (session === undefined || wanted === undefined) {
    return { state: unknownState(config), marks: {}, replace, notes: [] };
  }
  const plan = await session.plan(wanted.manifest);
  const marks = marksOf(plan);
  refuseMoved(changedSince(input.seen, marks), session.host);
  const notes = [...(replace || input.replacing ? [REPLACED] : []), ...planNotes(plan)];
  return { state: plannedState(plan, input, wanted), marks, replace, notes };
}

/**
 * What destroying will do: everything that is managed is stopped and removed.
 *
 * @param session `undefined` while the provider's own block is not wholly known
 * @throws CitadelError when the provider's block reaches another host than the state's
 */
export async function planDestroy(
  session: Session | undefined,
  prior: CtyValue,
  seen: Marks,
): Promise<PlanResult> {
  const host = textOf(prior, 'name');
  if (session !== undefined && host !== undefined && host !== session.host) {
    throw destroysAnother(host, session.host);
  }
  if (session === undefined) return { state: null, marks: {}, replace: false, notes: [] };
  const plan = await session.plan(emptyManifest(session.host));
  const marks = marksOf(plan);
  refuseMoved(changedSince(seen, marks), session.host);
  return { state: null, marks, replace: false, notes: planNotes(plan) };
}

const REPLACED = 'THIS EMPTIES THE HOST FIRST and then makes it again: all that is managed stops in between';

/** False when an apply would write nothing. */
export function hasWork(plan: HostPlan): boolean {
  return plan.changes.length > 0 || plan.unitActions.length > 0 || plan.record || plan.observed.open !== null;
}

export function emptyManifest(host: string): HostManifest {
  return { version: 1, host };
}

function plannedState(plan: HostPlan, input: PlanInput, { name, document }: WantedHost): CtyObject {
  const { prior, replacing } = input;
  const changes = hasWork(plan);
  const view = desiredView(plan.manifest);
  const state: HostState = {
    name,
    // An equal document that is spelled otherwise is no change.
    document:
      !changes && textOf(prior, 'digest') === plan.digest
        ? (textOf(prior, 'document') ?? document)
        : document,
    digest: plan.digest,
    // On creation always unknown: of a host that is replaced, not even the next number is known.
    generation: changes || prior === null ? UNKNOWN : plan.observed.generation,
    view,
    actions: replacing ? UNKNOWN : plannedActions(plan),
    replaces: replacing ? UNKNOWN : plannedReplacements(plan, viewOf(prior)),
  };
  return stateValue(state);
}

/** @throws CitadelError that lists what is no longer as it was read */
export function refuseMoved(changed: readonly string[], host: string): void {
  if (changed.length === 0) return;
  throw new CitadelError({
    code: 'provider.host.moved',
    path: host,
    got: `The host is no longer as this plan saw it:\n${changed.map((item) => `  ${item}`).join('\n')}`,
    fix: 'Nothing was changed. Plan again (not with -refresh=false) and review what it shows now',
  });
}

/** The old one goes first: what follows it must be sure before that. */
function replacedByUnknown({ config, where }: PlanInput): CitadelError {
  return new CitadelError({
    code: 'provider.replace.unknown',
    path: textOf(config, 'name') ?? where,
    property: 'document',
    got: 'is known only after an apply, and the host would be emptied before that',
    fix: 'Apply what the document comes from first (-target), then replace the host',
  });
}

function destroysAnother(host: string, reached: string): CitadelError {
  return new CitadelError({
    code: 'provider.destroy.mismatch',
    path: host,
    property: 'name',
    got: `is "${host}" in the state, but the provider is for "${reached}", which would be emptied instead`,
    fix:
      `Destroy "${host}" while its own provider block is there, or let the state forget it with ` +
      '"terraform state rm"',
  });
}
