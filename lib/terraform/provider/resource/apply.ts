import type { ApplyOutcome, ApplyResult, HostPlan } from '../../../engine/model.js';
import { UNKNOWN, type CtyObject, type CtyValue } from '../cty/value.js';
import type { HostManifest } from '../../../manifest/schema.js';
import { errorDiagnostic } from '../diagnostics.js';
import type { Session } from '../session.js';
import type { Diagnostic } from '../wire/messages.js';
import type { ApplyOptions } from '../engine-port.js';
import { changedSince, marksOf, type Marks } from './marks.js';
import { hasWork, refuseMoved } from './plan.js';
import { stateValue } from './state.js';
import { plannedActions, plannedChanges } from './actions.js';
import { desiredView } from './view.js';

export interface ApplyInput {
  readonly prior: CtyValue;
  /** Null when the resource is to be destroyed, and only then. */
  readonly planned: CtyObject | null;
  /** What the host gets; one without items when it is destroyed. */
  readonly manifest: HostManifest;
  /** What the plan saw, which a person has approved. */
  readonly seen: Marks;
}

export interface AppliedHost {
  readonly state: CtyValue;
  readonly diagnostics: readonly Diagnostic[];
  readonly notes: readonly string[];
}

/**
 * Does what was planned, if the host is still as the plan saw it. Whatever fails, the state goes back to what it was,
 * so that nothing is forgotten and nothing is marked for replacement: the host either did all of it or none of it.
 */
export async function applyHost(
  session: Session,
  input: ApplyInput,
  options: ApplyOptions,
): Promise<AppliedHost> {
  const { manifest } = input;
  let plan = await session.plan(manifest);
  refuseMoved(changedSince(input.seen, marksOf(plan)), session.host);
  const { open } = plan.observed;
  // The plan has said that what was interrupted is undone first. What the host goes back to is its last generation.
  if (open !== null && !open.running && (await session.recover(plan))) plan = await session.plan(manifest);
  if (!hasWork(plan)) {
    return { state: finished(input.planned, plan, plan.observed.generation), diagnostics: [], notes: [] };
  }
  const result = await session.apply(plan, options);
  if (result.outcome === 'committed' || result.outcome === 'unchanged') {
    return { state: finished(input.planned, plan, result.generation), diagnostics: [], notes: result.notes };
  }
  return { state: input.prior, diagnostics: [failure(plan, result)], notes: result.notes };
}

/** What was planned, with what was not known then. */
function finished(planned: CtyObject | null, plan: HostPlan, generation: number | null): CtyValue {
  if (planned === null) return null;
  const known = stateValue({
    name: plan.host,
    digest: plan.digest,
    generation,
    view: desiredView(plan.manifest),
    actions: plannedActions(plan),
    changes: plannedChanges(plan, undefined),
  });
  return Object.fromEntries(
    Object.entries(planned).map(([name, value]) => [name, value === UNKNOWN ? (known[name] ?? null) : value]),
  );
}

const FIX: Readonly<Partial<Record<ApplyOutcome, string>>> = {
  refused: 'Fix what is said above and deploy again.',
  locked: 'Wait until the other one has ended, then deploy again.',
  'rolled-back':
    'Fix what is said above and deploy again; the failed step is in the journal of the host as well.',
  'undo-failed':
    'Look at the host before anything else: "citadel-iac resolve HOST" shows what is left, and how to end it.',
};

const VERB: Readonly<Partial<Record<ApplyOutcome, string>>> = {
  refused: 'refused before anything was changed',
  locked: 'is being changed by someone else',
  'rolled-back': 'failed and was undone',
  'undo-failed': 'failed, and undoing it failed as well',
};

function failure(plan: HostPlan, result: ApplyResult): Diagnostic {
  const { failure: why, outcome } = result;
  const item = why?.item ?? '';
  const where = why?.origin ?? plan.manifest.origins?.[item] ?? plan.host;
  const step = why === undefined ? '' : ` in step "${why.step}"`;
  const summary = `[${where}] ${item === '' ? plan.host : item} ${VERB[outcome] ?? outcome}${step}`;
  const detail = [why?.output.trimEnd() ?? '', result.next, FIX[outcome] ?? ''];
  return errorDiagnostic(summary, detail.filter((part) => part !== '').join('\n\n'));
}
