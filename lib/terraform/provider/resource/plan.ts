import type { HostPlan } from '../../../engine/model.js';
import { isObject, sameValue, UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import { CitadelError } from '../../../manifest/problem.js';
import type { HostManifest } from '../../../manifest/schema.js';
import type { Session } from '../session.js';
import { plannedActions, plannedReplacements } from './actions.js';
import { checkNames, parseDocument, type ManifestParser } from './manifest.js';
import { changedSince, marksOf, type Marks } from './marks.js';
import { stateValue, textOf, unknownState, viewOf, type HostState } from './state.js';
import { desiredView } from './view.js';

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
  const name = config['name'] ?? null;
  const document = config['document'] ?? null;
  const replace = isObject(prior) && name !== UNKNOWN && !sameValue(prior['name'] ?? null, name);
  if (session === undefined || typeof name !== 'string' || typeof document !== 'string') {
    return { state: unknownState(config), marks: {}, replace, notes: [] };
  }
  const manifest = parseDocument(document, name, parse);
  checkNames({ name, document: manifest.host, provider: session.host });
  const plan = await session.plan(manifest);
  const marks = marksOf(plan);
  refuseMoved(changedSince(input.seen, marks), session.host);
  const state = plannedState(plan, input, name, document);
  return { state, marks, replace, notes: plan.notes };
}

/**
 * What destroying will do: everything that is managed is stopped and removed.
 *
 * @param session `undefined` while the provider's own block is not wholly known
 */
export async function planDestroy(session: Session | undefined, seen: Marks): Promise<PlanResult> {
  if (session === undefined) return { state: null, marks: {}, replace: false, notes: [] };
  const plan = await session.plan(emptyManifest(session.host));
  const marks = marksOf(plan);
  refuseMoved(changedSince(seen, marks), session.host);
  return { state: null, marks, replace: false, notes: plan.notes };
}

/** False when an apply would write nothing. */
export function hasWork(plan: HostPlan): boolean {
  return plan.changes.length > 0 || plan.unitActions.length > 0 || plan.record || plan.observed.open !== null;
}

export function emptyManifest(host: string): HostManifest {
  return { version: 1, host };
}

function plannedState(plan: HostPlan, input: PlanInput, name: string, document: string): CtyObject {
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
