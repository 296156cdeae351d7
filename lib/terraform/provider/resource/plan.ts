import type { HostPlan } from '../../../engine/model.js';
import { isObject, UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import { CitadelError } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import type { Session } from '../session.js';
import { plannedActions, plannedChanges } from './actions.js';
import { emptyingSummary } from './emptying.js';
import { changedSince, marksOf, type Marks } from './marks.js';
import { stateValue, unknownState, viewOf } from './state.js';
import { desiredView } from './view.js';

export interface PlanResult {
  readonly state: CtyValue;
  readonly marks: Marks;
  /** Said before the remarks: what becomes of a host that is emptied. */
  readonly emptying?: string | undefined;
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
}

/** A host of which something is known only after another apply. */
export function planUnknown(config: CtyObject): PlanResult {
  return { state: unknownState(config), marks: {}, notes: [] };
}

/**
 * The host as it will be: everything from the document, except the number of the generation where a new one will be
 * made. A document in order with the host plans no change at all.
 */
export async function planHost(
  session: Session,
  input: PlanInput,
  manifest: HostManifest,
): Promise<PlanResult> {
  const emptying = input.replacing ? await emptyingOf(session) : undefined;
  const plan = await session.plan(manifest);
  const marks = marksOf(plan);
  refuseMoved(changedSince(input.seen, marks), session.host);
  return {
    state: plannedState(plan, input),
    marks,
    emptying: emptying === undefined ? emptyingSummary(plan) : `${REPLACED}\n${emptying}`,
    notes: plan.notes,
  };
}

/** What destroying will do: everything that is managed is stopped and removed. */
export async function planDestroy(session: Session, seen: Marks): Promise<PlanResult> {
  const plan = await session.plan(emptyManifest(session.host));
  const marks = marksOf(plan);
  refuseMoved(changedSince(seen, marks), session.host);
  return { state: null, marks, emptying: emptyingSummary(plan), notes: plan.notes };
}

async function emptyingOf(session: Session): Promise<string | undefined> {
  return emptyingSummary(await session.plan(emptyManifest(session.host)));
}

const REPLACED = 'It is emptied FIRST and then made again: all that is managed stops in between.';

/** False when an apply would write nothing. */
export function hasWork(plan: HostPlan): boolean {
  return plan.changes.length > 0 || plan.unitActions.length > 0 || plan.record || plan.observed.open !== null;
}

export function emptyManifest(host: string): HostManifest {
  return { version: 1, host };
}

function plannedState(plan: HostPlan, { prior, replacing }: PlanInput): CtyObject {
  const work = hasWork(plan);
  // What the last apply did stays, while there is nothing to do: the read has seen to that.
  const before = work || !isObject(prior) ? undefined : prior;
  return stateValue({
    name: plan.host,
    digest: plan.digest,
    // On creation always unknown: of a host that is replaced, not even the next number is known.
    generation: work || prior === null ? UNKNOWN : plan.observed.generation,
    view: desiredView(plan.manifest),
    actions: replacing ? UNKNOWN : (before?.['actions'] ?? plannedActions(plan)),
    changes: replacing ? UNKNOWN : (before?.['changes'] ?? plannedChanges(plan, viewOf(prior))),
  });
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
