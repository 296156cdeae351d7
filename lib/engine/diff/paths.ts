import type { Section } from '../../manifest/index.js';
import type { AppliedItem, Change, ObservedPath } from '../model.js';
import { holdsSecrets } from '../secrets/mask.js';
import { causeOf } from './three-way.js';
import type { DirectoryFacts, FileFacts, PathFacts, SymlinkFacts } from './facts.js';
import { fileFacts } from './facts.js';
import type { DiffInput, DiffOutput } from './input.js';
import { originOf } from './input.js';
import { diffLeavingPaths } from './leaving-paths.js';
import { refuseSwitchedLinks } from './switched-links.js';
import type { PathSection } from './path-views.js';
import { appliedPath, pastSecrets, replacedDirectoryNote, seenView } from './path-views.js';

/** Directories, files and symbolic links: one namespace, so a path that changes its kind is one change. */
export function diffPaths(input: DiffInput, output: DiffOutput): void {
  const owners = ownershipCompared(input);
  for (const { path, section, facts } of wantedPaths(input)) {
    const seen = input.observed.paths.get(path);
    if (pathHolds({ ...facts }, seen, owners)) continue;
    const last = appliedPath(input, path);
    const change: Change = {
      section,
      key: path,
      action: seen === undefined ? 'create' : 'update',
      cause: causeOf({ ...facts }, last, last !== undefined && pathHolds(last, seen, owners)),
      ...(seen === undefined ? {} : { before: seenView(seen, isSecret(input, path)) }),
      after: wantedView(facts, isSecret(input, path) ? undefined : input.stamps.get(path)?.size),
      ...originOf(input, section, path),
      ...noteOf(facts, seen),
    };
    output.changes.push(change);
    if (!sameSubstance(facts, seen)) output.touched.add(path);
  }
  refuseSwitchedLinks(input, output);
  diffLeavingPaths(input, output, (item, seen) => pathHolds(item, seen, owners));
}

/** Whether nothing but owner, group or mode differs. */
function sameSubstance(facts: PathFacts, seen: ObservedPath | undefined): boolean {
  return facts.type === 'file'
    ? seen?.kind === 'file' && seen.sha256 === facts.sha256
    : facts.type === 'directory' && seen?.kind === 'directory';
}

function* wantedPaths(
  input: DiffInput,
): Generator<{ readonly path: string; readonly section: PathSection; readonly facts: PathFacts }> {
  const { desired, stamps } = input;
  for (const [path, directory] of Object.entries(desired.directories ?? {})) {
    yield { path, section: 'directories', facts: { type: 'directory', ...directory } };
  }
  for (const [path, file] of Object.entries(desired.files ?? {})) {
    yield { path, section: 'files', facts: fileFacts(file, stamps.get(path)?.sha256 ?? '') };
  }
  for (const [path, { target }] of Object.entries(desired.symlinks ?? {})) {
    yield { path, section: 'symlinks', facts: { type: 'symlink', target } };
  }
}

function isSecret(input: DiffInput, path: string): boolean {
  return holdsSecrets(input.desired.files?.[path], pastSecrets(input, path));
}

/** Tells whether the owner and group of a path can be compared. */
export type OwnershipRule = (owner: string, group: string) => boolean;

/**
 * Always on a live host. In an offline root only by a privileged process, and only for accounts that the root knows or
 * will know: others cannot be set there.
 */
function ownershipCompared(input: DiffInput): OwnershipRule {
  const { desired, observed } = input;
  if (observed.offline === null) return () => true;
  if (!observed.offline.privileged || !observed.offline.accounts) return () => false;
  const known = (name: string, section: Section & ('users' | 'groups')): boolean =>
    observed[section].has(name) || desired[section]?.[name] !== undefined;
  return (owner, group) =>
    known(owner, 'users') && (known(group, 'groups') || desired.users?.[group] !== undefined);
}

function pathHolds(facts: AppliedItem, seen: ObservedPath | undefined, owners: OwnershipRule): boolean {
  if (seen === undefined || seen.kind !== facts['type']) return false;
  if (facts['type'] === 'symlink') return facts['target'] === seen.target && seen.targetBytes === undefined;
  const { owner, group } = facts;
  if (typeof owner !== 'string' || typeof group !== 'string') return false;
  return (
    (facts['type'] !== 'file' || (facts['sha256'] === seen.sha256 && seen.acl === undefined)) &&
    facts['mode'] === seen.mode &&
    (!owners(owner, group) || (owner === seen.owner && group === seen.group))
  );
}

function wantedView(
  facts: FileFacts | DirectoryFacts | SymlinkFacts,
  size: number | undefined,
): Readonly<Record<string, unknown>> {
  if (facts.type === 'symlink') return { type: 'symlink', target: facts.target };
  const { type, owner, group, mode } = facts;
  return { type, owner, group, mode, ...(size === undefined ? {} : { size }) };
}

/** What is lost when a directory makes room for something else, or a link for a directory. */
function noteOf(facts: PathFacts, seen: ObservedPath | undefined): { readonly note?: string } {
  if (seen?.kind === 'symlink' && facts.type === 'directory') {
    return {
      note: `a new directory takes the place of the link: what ${seen.target ?? 'it leads to'} holds stays there, and is not reached by this path any more`,
    };
  }
  if (facts.type === 'file' && seen?.acl === true)
    return { note: 'its access control list (setfacl), of which the configuration says nothing, goes' };
  return facts.type === 'directory' ? {} : replacedDirectoryNote(seen);
}
