import type { ManifestBlocks } from '../../manifest/index.js';
import { sha256 } from '../../manifest/index.js';
import type { AppliedItem, Change } from '../model.js';
import { blockBase } from './block-base.js';
import { findBlocks, normalBlock, replaceBlocks } from './block-text.js';
import { blockFacts } from './facts.js';
import type { DiffInput, DiffOutput } from './input.js';
import { appliedItems, isAdopted, leavingKeys, originOf, sortedEntries } from './input.js';
import { replacedDirectoryNote } from './path-views.js';
import { causeOf, leavingCause } from './three-way.js';

/**
 * Our blocks in files of others: one change for each file. Its `before` and `after` name the blocks that differ; what
 * stands outside our markers is never touched.
 */
export function diffBlocks(input: DiffInput, output: DiffOutput): void {
  const applied = appliedItems(input, 'blocks');
  for (const [path, blocks] of sortedEntries(input.desired.blocks)) {
    if (isNotFile(input, output, path)) continue;
    const content = currentContent(input, path);
    const wanted = blockFacts(blocks);
    const last = applied[path];
    const found = foundDigests(content, blocks);
    const text = wantedContent(input, path);
    if (text === content && !isLink(input, path)) continue;
    const names = changedNames(wanted, found, last);
    output.changes.push({
      section: 'blocks',
      key: path,
      action: content === null ? 'create' : 'update',
      cause: causeOf(wanted, last, last !== undefined && blocksHold(last, found)),
      ...(content === null ? {} : { before: { blocks: names.filter((name) => found.has(name)) } }),
      after: { blocks: names.filter((name) => Object.hasOwn(wanted, name)) },
      ...originOf(input, 'blocks', path),
      ...replacedDirectoryNote(input.observed.paths.get(path)),
    });
    output.touched.add(path);
  }
  for (const path of leavingKeys(applied, input.desired.blocks)) {
    const change = leavingBlocks(input, output, path, applied[path] ?? {});
    if (change === undefined) continue;
    output.changes.push(change);
    output.touched.add(path);
  }
}

function leavingBlocks(
  input: DiffInput,
  output: DiffOutput,
  path: string,
  last: AppliedItem,
): Change | undefined {
  // The whole file is managed now: its own section says what becomes of it.
  const { files, symlinks, absentPaths } = input.desired;
  if ([files, symlinks, absentPaths].some((section) => section?.[path] !== undefined)) return undefined;
  const content = currentContent(input, path);
  if (content === null || isNotFile(input, output, path)) return undefined;
  if (wantedContent(input, path) === content) return undefined;
  const found = foundDigests(content, {});
  const names = blockNames(last).filter((name) => found.has(name));
  return {
    section: 'blocks',
    key: path,
    action: 'delete',
    cause: leavingCause(blocksHold(last, found)),
    before: { blocks: names },
    note: 'only our blocks go; the file stays, unless it was made for them and holds nothing else',
  };
}

/**
 * The whole file as it should be, one character for each byte (latin1). For a file that left the configuration, the
 * file without our blocks.
 */
export function wantedContent(input: DiffInput, path: string): string {
  const blocks = input.desired.blocks?.[path] ?? {};
  const leaving = leavingBlockNames(appliedItems(input, 'blocks')[path], blocks);
  return replaceBlocks(baseContent(input, path), blockTexts(blocks), new Set(leaving));
}

function baseContent(input: DiffInput, path: string): string {
  const base =
    input.desired.blocks?.[path] === undefined ? { kind: 'live' as const } : blockBase(input, path);
  switch (base.kind) {
    case 'live':
      return currentContent(input, path) ?? '';
    case 'nothing':
      return '';
    case 'original':
      // Fetched once it is known that something differs.
      return input.observed.contents.get(base.copy)?.toString('latin1') ?? '';
  }
}

function isLink(input: DiffInput, path: string): boolean {
  return input.observed.paths.get(path)?.kind === 'symlink';
}

/** Our blocks of the last generation that are wanted no more. */
export function leavingBlockNames(last: AppliedItem | undefined, wanted: ManifestBlocks): string[] {
  return (last === undefined ? [] : blockNames(last)).filter((name) => !Object.hasOwn(wanted, name));
}

/** The whole file as it stands, one character for each byte, or `null` when there is none. */
export function currentContent(input: DiffInput, path: string): string | null {
  if (input.observed.paths.get(path) === undefined) return null;
  return input.observed.contents.get(path)?.toString('latin1') ?? null;
}

function isNotFile(input: DiffInput, output: DiffOutput, path: string): boolean {
  const base =
    input.desired.blocks?.[path] === undefined ? { kind: 'live' as const } : blockBase(input, path);
  if (base.kind === 'nothing') return false;
  const seen = base.kind === 'original' ? base.seen : input.observed.paths.get(path);
  if (seen === undefined || seen.kind === 'file') return false;
  const what = seen.kind === 'symlink' ? `a symbolic link to ${seen.target ?? ''}` : `a ${seen.kind}`;
  const where =
    base.kind === 'live' ? `is ${what} on the host` : `was ${what} before it was managed, which comes back`;
  output.problems.push({
    code: 'diff.block-file',
    path: input.desired.origins?.[`blocks/${path}`] ?? input.desired.host,
    property: `blocks["${path}"]`,
    got: `${path} ${where}, and a block can only stand in a regular file`,
    fix: 'Name the file itself in the configuration, or put a regular file there',
  });
  return true;
}

function blockTexts(blocks: ManifestBlocks): Map<string, string> {
  return new Map(
    Object.entries(blocks).map(([name, text]) => [name, Buffer.from(normalBlock(text)).toString('latin1')]),
  );
}

/** Digests of the complete blocks in a file, by name; of several copies, the first. */
function foundDigests(content: string | null, wanted: ManifestBlocks): Map<string, string> {
  const digests = new Map<string, string>();
  for (const block of findBlocks(content ?? '', blockTexts(wanted))) {
    if (block.closed && !digests.has(block.name)) {
      digests.set(block.name, sha256(Buffer.from(block.text, 'latin1')));
    }
  }
  return digests;
}

function changedNames(
  wanted: Readonly<Record<string, string>>,
  found: ReadonlyMap<string, string>,
  last: AppliedItem | undefined,
): string[] {
  const differing = Object.keys(wanted).filter((name) => found.get(name) !== wanted[name]);
  const leaving = (last === undefined ? [] : blockNames(last)).filter(
    (name) => !Object.hasOwn(wanted, name) && found.has(name),
  );
  return [...differing, ...leaving].sort();
}

function blocksHold(item: AppliedItem, found: ReadonlyMap<string, string>): boolean {
  return blockNames(item).every((name) => found.get(name) === item[name]);
}

function blockNames(item: AppliedItem): string[] {
  return Object.keys(item).filter((name) => name !== 'adopted' || !isAdopted(item));
}
