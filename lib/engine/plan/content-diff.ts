import type { Change, ObservedPath } from '../model.js';
import { currentContent, wantedContent } from '../diff/blocks.js';
import type { DiffInput } from '../diff/input.js';
import { pastSecrets } from '../diff/path-views.js';
import { formatUnifiedDiff } from '../diff/unified.js';
import type { SecretContext } from '../secrets/mask.js';
import { holdsSecrets, maskDesired, maskLive } from '../secrets/mask.js';
import { sha256 } from '../../manifest/index.js';

/** Bytes beyond which a file's lines are not shown. */
export const MAX_SHOWN_BYTES = 1024 * 1024;

/** One side of a diff: bytes, absent, or there but not fetched. */
type Side = Buffer | 'absent' | 'unknown';

/** Everything that is needed to show the lines of a change. */
export interface ContentInput {
  readonly diff: DiffInput;
  /** Bytes that the plan will write, by path. */
  readonly written: ReadonlyMap<string, Buffer>;
  readonly secrets: SecretContext;
}

/** A change of a file or of blocks with the lines that differ, or with a note that says why they are not shown. */
export function withContentDiff(change: Change, input: ContentInput): Change {
  if (change.section === 'files') return fileDiff(change, input);
  if (change.section === 'blocks') return blockDiff(change, input);
  // A file that makes room for a directory or a link.
  if (change.before?.['type'] === 'file') return fileDiff(change, input);
  return change;
}

function fileDiff(change: Change, input: ContentInput): Change {
  const path = change.key;
  const file = change.action === 'delete' ? undefined : input.diff.desired.files?.[path];
  const past = pastSecrets(input.diff, path);
  const before = sideOf(path, input);
  const copy = input.diff.observed.before?.get(path)?.copy;
  const original = file === undefined && change.after?.['type'] === 'file' ? copy : undefined;
  const after = file === undefined ? sideOf(original, input) : (input.written.get(path) ?? 'unknown');
  if (file !== undefined && after === 'unknown') return change;
  const secret = holdsSecrets(file, past);
  // Only what ls(1) shows of it differs.
  if (
    file !== undefined &&
    after !== 'absent' &&
    input.diff.observed.paths.get(path)?.sha256 === sha256(after)
  )
    return change;
  const beforeText = sideText(before);
  const afterText = sideText(after);
  if (beforeText === undefined || afterText === undefined || file?.bytes !== undefined)
    return withNote(change, sizes(input, path, before, after, secret));
  const diff = formatUnifiedDiff(
    before === 'absent' ? '' : maskLive(beforeText, file, past, input.secrets),
    file === undefined
      ? maskLive(afterText, undefined, past, input.secrets)
      : maskDesired(file, past, input.secrets),
    { before: before === 'absent' ? '/dev/null' : path, after: after === 'absent' ? '/dev/null' : path },
  );
  if (diff !== '') return { ...change, diff };
  const sameText = secret && before !== 'absent' && after !== 'absent';
  return sameText ? withNote(change, 'what differs are secrets that cannot be shown') : change;
}

function blockDiff(change: Change, input: ContentInput): Change {
  const path = change.key;
  const current = currentContent(input.diff, path);
  const wanted = wantedContent(input.diff, path);
  // Others’ lines hold no secret of ours, unless the whole file was ours before.
  const past = pastSecrets(input.diff, path);
  const show = (content: string): string =>
    maskLive(Buffer.from(content, 'latin1').toString('utf8'), undefined, past, input.secrets);
  const names = { before: current === null ? '/dev/null' : path, after: path };
  return { ...change, diff: formatUnifiedDiff(show(current ?? ''), show(wanted), names) };
}

/** What stands at a path of the host now; where there is none, nothing. */
function sideOf(path: string | undefined, input: ContentInput): Side {
  const seen = path === undefined ? undefined : input.diff.observed.paths.get(path);
  if (path === undefined || seen?.kind !== 'file') return 'absent';
  return input.diff.observed.contents.get(path) ?? (seen.size === 0 ? Buffer.alloc(0) : 'unknown');
}

/** Text of a side, or `undefined` when it is too large, binary, or not at hand. */
function sideText(side: Side): string | undefined {
  if (side === 'absent') return '';
  if (side === 'unknown' || side.length > MAX_SHOWN_BYTES || side.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(side);
  } catch {
    return undefined;
  }
}

function sizes(input: ContentInput, path: string, before: Side, after: Side, secret: boolean): string {
  const seen = input.diff.observed.paths.get(path);
  const big =
    (seen?.kind === 'file' && seen.size > MAX_SHOWN_BYTES) ||
    (Buffer.isBuffer(after) && after.length > MAX_SHOWN_BYTES);
  const why = big ? 'too large to show' : 'not text';
  if (secret) return `${why}, and holds secrets`;
  const old = before === 'absent' ? 'absent' : `${seen?.size ?? 0} bytes${shortDigest(seen)}`;
  const now = Buffer.isBuffer(after)
    ? `${after.length} bytes, sha256 ${sha256(after).slice(0, 12)}`
    : 'absent';
  return `${why}: ${old} → ${now}`;
}

function shortDigest(seen: ObservedPath | undefined): string {
  // No one reads a file that is larger than any document (remote/digests.sh).
  if (seen?.sha256 === undefined || seen.size >= 2 ** 29) return '';
  return `, sha256 ${seen.sha256.slice(0, 12)}`;
}

function withNote(change: Change, note: string): Change {
  return { ...change, note: change.note === undefined ? note : `${change.note}; ${note}` };
}
