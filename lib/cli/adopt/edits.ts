import type { Change, HostPlan } from '../../engine/model.js';
import { holdsSecrets } from '../../engine/secrets/mask.js';
import { expandManifest, validateManifest, CitadelError, type HostManifest } from '../../manifest/index.js';
import { SECRET_MARK } from '../../text/secret-reference.js';
import { describeChange, UNDO_ONLY } from './describe.js';
import { linesOf, hunksOf, mergedText } from './lines.js';
import type { Described, HandEdit } from './model.js';
import { looksLikeCredential, type KnownSecrets } from './secrets.js';

export interface Found {
  readonly edits: readonly HandEdit[];
  readonly described: readonly Described[];
}

/** Whether a host differs by someone's hand, and not only because the project moved. */
export function byHand(change: Change): boolean {
  return change.cause !== 'config';
}

/**
 * What was changed by hand on a host: texts that may be taken over, and all that is only told.
 *
 * @param last the manifest of the host's current generation: what the hand edit was made to, where the project has moved
 *   since
 */
export function handEdits(plan: HostPlan, last: HostManifest | undefined, secrets: KnownSecrets): Found {
  const edits: HandEdit[] = [];
  const described: Described[] = [];
  for (const change of plan.changes.filter(byHand)) {
    const edit = textEdit(plan, last, secrets, change);
    if (!('wanted' in edit)) {
      const { hide = false, ...told } = edit;
      const hidden = hide || secrets.standsIn(change.diff ?? '');
      described.push({ ...describeChange(plan.host, hidden ? withoutLines(change) : change), ...told });
      continue;
    }
    edits.push(edit);
    if (attributesDiffer(change)) described.push(describeChange(plan.host, withoutLines(change)));
  }
  return { edits, described };
}

/** Why a text is not taken over; `hide`: and its lines are not to be seen either. */
type Refusal = Partial<Pick<Described, 'why' | 'next'>> & { readonly hide?: boolean };

function withoutLines({ diff: _diff, ...rest }: Change): Change {
  return rest;
}

function textEdit(
  plan: HostPlan,
  last: HostManifest | undefined,
  secrets: KnownSecrets,
  change: Change,
): HandEdit | Refusal {
  const { host } = plan;
  const file = plan.manifest.files?.[change.key];
  const { before } = change;
  if (change.section !== 'files' || change.action !== 'update' || file === undefined) return {};
  if (before?.['type'] !== 'file') return {};
  const written = plan.contents.get(change.key);
  // Nothing is written where only owner, group or mode differ.
  if (written === undefined) return {};
  const base = last === undefined ? undefined : expandManifest(last).files?.[change.key];
  if (holdsSecrets(file, undefined) || (base !== undefined && holdsSecrets(base, undefined)))
    return { why: 'it holds secrets, and nothing of such a file is taken over' };
  const live = textOf(plan.observed.contents.get(change.key));
  if (live === undefined) return { why: 'it is not text, or too large' };
  const rendered = file.content ?? '';
  const moved = change.cause === 'both' && base?.content !== undefined;
  if (moved && base.content === live) return {};
  const wanted = moved ? mergedText(base.content ?? '', rendered, live) : live;
  if (wanted === undefined) {
    return {
      why: 'the project has changed the same lines since the last apply',
      next: `Settle by hand which of the two it shall be; "citadel-iac apply ${host}" takes the project's.`,
    };
  }
  const refused = refusal(plan.manifest, change.key, rendered, wanted, secrets);
  return refused ?? { host, key: change.key, change, wanted };
}

function refusal(
  manifest: HostManifest,
  key: string,
  rendered: string,
  wanted: string,
  secrets: KnownSecrets,
): Refusal | undefined {
  const hunks = hunksOf(linesOf(rendered), linesOf(wanted));
  const added = (hunks?.map((hunk) => hunk.added.join('')) ?? [wanted]).join('\n');
  if (secrets.standsIn(added))
    return {
      hide: true,
      why: 'the edit holds the value of a secret, which must stand in no file of the project',
    };
  if (added.includes(SECRET_MARK))
    return { why: 'the edit holds "@@secret:", which the project would take for a secret' };
  if (looksLikeCredential(added)) {
    return {
      hide: true,
      why: 'the edit looks as if it held a credential, which must stand in no file of the project',
      next: `Name it under "secrets" in the inventory and use it by that name. ${UNDO_ONLY(manifest.host)}`,
    };
  }
  try {
    const file = manifest.files?.[key];
    validateManifest({ ...manifest, files: { ...manifest.files, [key]: { ...file, content: wanted } } });
    return undefined;
  } catch (error) {
    if (!(error instanceof CitadelError)) throw error;
    return {
      why: `the project could not hold this text: ${error.problems.map(({ got }) => got).join('; ')}`,
    };
  }
}

function textOf(bytes: Buffer | undefined): string | undefined {
  if (bytes === undefined || bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

function attributesDiffer({ before, after }: Change): boolean {
  return ['owner', 'group', 'mode'].some((name) => before?.[name] !== after?.[name]);
}
