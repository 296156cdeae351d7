import type { ApplyOutcome, ApplyResult, HostPlan } from '../../../engine/model.js';
import { isObject, type CtyObject, type CtyValue } from '../cty/value.js';
import { errorDiagnostic } from '../diagnostics.js';
import type { Session } from '../session.js';
import type { Diagnostic } from '../wire/messages.js';
import type { ApplyOptions } from '../engine-types.js';
import { parseDocument, type ManifestParser } from './manifest.js';
import { changedSince, marksOf, type Marks } from './marks.js';
import { emptyManifest, refuseMoved } from './plan.js';
import { textOf } from './state.js';

export interface ApplyInput {
  readonly prior: CtyValue;
  /** Null when the resource is to be destroyed. */
  readonly planned: CtyValue;
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
  parse: ManifestParser,
  options: ApplyOptions,
): Promise<AppliedHost> {
  const document = textOf(input.planned, 'document');
  const manifest =
    document === undefined ? emptyManifest(session.host) : parseDocument(document, session.host, parse);
  const plan = await session.plan(manifest);
  refuseMoved(changedSince(input.seen, marksOf(plan)), session.host);
  if (plan.changes.length === 0 && !plan.record) {
    return { state: finished(input.planned, plan.observed.generation), diagnostics: [], notes: [] };
  }
  const result = await session.apply(plan, options);
  if (result.outcome === 'committed' || result.outcome === 'unchanged') {
    return { state: finished(input.planned, result.generation), diagnostics: [], notes: result.notes };
  }
  return { state: input.prior, diagnostics: [failure(plan, result)], notes: result.notes };
}

function finished(planned: CtyValue, generation: number | null): CtyValue {
  if (!isObject(planned)) return null;
  const state: CtyObject = { ...planned, generation };
  return state;
}

const FIX: Readonly<Partial<Record<ApplyOutcome, string>>> = {
  refused: 'Mend what is said above and deploy again.',
  locked: 'Wait until the other one has ended, then deploy again.',
  'rolled-back':
    'Mend what is said above and deploy again; the failed step is in the journal of the host as well.',
  'undo-failed':
    'Look at the host before anything else: "citadel-iac doctor" and "citadel-iac history" tell more.',
};

const VERB: Readonly<Partial<Record<ApplyOutcome, string>>> = {
  refused: 'refused before anything was changed',
  locked: 'is being changed by somebody else',
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
