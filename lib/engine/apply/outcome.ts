import { AWAIT_HELD, heldText } from '../held-text.js';
import type { ApplyFailure, ApplyOutcome, ApplyResult, HostPlan } from '../model.js';
import type { ProgressLine } from './progress.js';

interface Confirming {
  readonly unanswered?: string;
  readonly met?: string;
}

/**
 * The host's words about a transaction, as the result that every shell shows.
 *
 * @param how.unanswered the answer that the log-in which was to confirm it waited for in vain
 * @param how.met what that log-in met, if it failed
 */
export function resultOf(
  plan: HostPlan,
  transaction: string,
  lines: readonly ProgressLine[],
  { cancelled = false, ...confirming }: { readonly cancelled?: boolean } & Confirming = {},
): ApplyResult {
  const end = lines.findLast((line) => line.kind === 'end');
  const last = lines.at(-1)?.kind;
  // What was being sent when the operator had enough did not arrive whole.
  const failure =
    cancelled && (last === 'unstaged' || last === 'gone')
      ? { step: 'cancelled', output: 'cancelled by the operator' }
      : failureOf(plan, lines);
  const outcome = outcomeOf(lines.at(-1)?.kind ?? 'gone', end?.outcome);
  const generation = end?.generation ?? (end === undefined ? plan.observed.generation : null);
  return {
    host: plan.host,
    outcome,
    generation,
    transaction,
    ...(failure === undefined ? {} : { failure }),
    next: nextSentence(plan.host, outcome, generation, failure, lines, confirming),
    notes: lines.flatMap((line) => (line.kind === 'note' ? [line.text] : [])),
  };
}

function outcomeOf(last: ProgressLine['kind'], word: string | undefined): ApplyOutcome {
  if (last === 'gone' || last === 'unstaged') return 'refused';
  switch (word) {
    case 'committed':
    case 'locked':
    case 'rolled-back':
    case 'undo-failed':
      return word;
    case 'interrupted':
      return 'undo-failed';
    default:
      return 'refused';
  }
}

function failureOf(plan: HostPlan, lines: readonly ProgressLine[]): ApplyFailure | undefined {
  for (const line of lines) {
    if (line.kind === 'unstaged') return { step: 'stage', output: line.output };
    if (line.kind === 'locked') {
      return { step: 'lock', output: `${line.who} has held the lock since ${line.since}` };
    }
    if (line.kind === 'failure') {
      const item = itemOf(plan, line.item);
      const origin = item === undefined ? undefined : plan.manifest.origins?.[item];
      return {
        step: line.step,
        ...(item === undefined ? {} : { item }),
        ...(origin === undefined ? {} : { origin }),
        output: line.output,
      };
    }
  }
  if (lines.at(-1)?.kind === 'gone') {
    return { step: 'stage', output: 'the connection was lost before the host had the whole transaction' };
  }
  return undefined;
}

/** `section/key` of what the host names by its path, unit, package or check. */
function itemOf(plan: HostPlan, name: string): string | undefined {
  if (name === '') return undefined;
  const manifest = plan.manifest;
  const sections = [
    'files',
    'blocks',
    'symlinks',
    'directories',
    'mounts',
    'units',
    'checks',
    'packages',
    'users',
    'groups',
  ] as const;
  const section = sections.find((candidate) => Object.hasOwn(manifest[candidate] ?? {}, name));
  const change = plan.changes.find((candidate) => candidate.key === name);
  return section === undefined
    ? change === undefined
      ? name
      : `${change.section}/${name}`
    : `${section}/${name}`;
}

function lockedSentence(lines: readonly ProgressLine[]): string {
  const held = lines.find((line) => line.kind === 'locked');
  const when = held === undefined ? '' : heldText(held);
  return `Nothing was changed.${when === '' ? '' : ` Of the other run: ${when}.`} ${AWAIT_HELD}.`;
}

function nextSentence(
  host: string,
  outcome: ApplyOutcome,
  generation: number | null,
  failure: ApplyFailure | undefined,
  lines: readonly ProgressLine[],
  { unanswered, met }: Confirming,
): string {
  const at = generation === null ? 'as it was before the first apply' : `at generation ${String(generation)}`;
  switch (outcome) {
    case 'committed':
      return `The host is ${at}.`;
    case 'unchanged':
      return `Nothing to do; the host is ${at} and nothing was written.`;
    case 'locked':
      return lockedSentence(lines);
    case 'rolled-back': {
      const idle = lines.flatMap((line) => (line.kind === 'note' ? (line.idle ?? []) : []));
      const units =
        idle.length === 0
          ? 'what ran before runs again'
          : `these units did not start again with the files of before: ${idle.join(', ')}`;
      if (failure?.step === 'confirm' && unanswered !== undefined) {
        return (
          `The new log-in that confirms a change waited for ${unanswered}, and none came in time, so the host undid the change by itself ` +
          `and is ${at}; ${units}. Apply again, and answer; timeouts.confirmSec gives more time.`
        );
      }
      return failure?.step === 'confirm'
        ? `No new connection could be made after the change${met === undefined ? '' : ` (${met})`}, so the host undid it by itself and is ${at}; ${units}.`
        : `The host undid everything and is ${at}; ${units}.`;
    }
    case 'undo-failed':
      if (lines.some((line) => line.kind === 'end' && line.outcome === 'interrupted'))
        return 'The transaction died on the host before its end. The host undoes it, at the latest at the next apply or at its next boot.';
      return failure?.step === 'recover'
        ? `Nothing new was done, because an earlier transaction is not undone yet. "citadel-iac resolve ${host}" shows what is left of it and how to end it.`
        : `The host could not undo everything; it tries again only what is left, at the next apply and at its next boot. Look at it now: "citadel-iac resolve ${host}".`;
    case 'refused':
      return failure?.step === 'compare'
        ? `The host was changed after the plan was made. Nothing was written; the host is ${at}. Plan again.`
        : `Nothing was changed; the host is ${at}.`;
  }
}
