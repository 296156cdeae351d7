import type {
  ExpandedManifest,
  ExpandedUser,
  ManifestBlocks,
  ManifestCheck,
  ManifestFile,
  ManifestMount,
  ManifestUnit,
} from '../../manifest/index.js';
import { primaryGroup, sha256 } from '../../manifest/index.js';
import type { AppliedIndex, AppliedItem } from '../model.js';
import { referenceLines } from '../secrets/references.js';
import { normalBlock } from './block-text.js';

/** The bytes that a file will have, secrets resolved, without the bytes themselves. */
export interface FileStamp {
  readonly sha256: string;
  readonly size: number;
}
/** By path. */
export type FileStamps = ReadonlyMap<string, FileStamp>;

export type PathFacts = FileFacts | DirectoryFacts | SymlinkFacts;
export interface FileFacts {
  readonly type: 'file';
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
  readonly sha256: string;
  /** Template lines with references to secrets, so that a later generation knows where they stood. */
  readonly secrets?: readonly string[];
  /** The secret that the whole file is. */
  readonly secret?: string;
}
export interface DirectoryFacts {
  readonly type: 'directory';
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
}
export interface SymlinkFacts {
  readonly type: 'symlink';
  readonly target: string;
}
export interface UserFacts {
  readonly uid?: number;
  readonly group: string;
  readonly home: string;
  readonly shell: string;
  readonly groups: readonly string[];
  readonly expires?: string;
}
export interface UnitFacts {
  readonly enabled: boolean | null;
  readonly state: ManifestUnit['state'];
}

/** What can be observed of a manifest's items, section by section; the shape that `index.json` stores. */
export function factsOf(desired: ExpandedManifest, stamps: FileStamps): AppliedIndex {
  const index: Record<string, Record<string, AppliedItem>> = {};
  const add = <Value>(
    section: keyof AppliedIndex,
    values: Readonly<Record<string, Value>> | undefined,
    facts: (value: Value, key: string) => object,
  ): void => {
    const entries = Object.entries(values ?? {});
    if (entries.length === 0) return;
    index[section] = Object.fromEntries(
      entries.map(([key, value]) => [key, facts(value, key) as AppliedItem]),
    );
  };
  add('packages', desired.packages, ({ version, state, hold }) => ({
    ...(version === undefined ? {} : { version }),
    ...(state === undefined ? {} : { state }),
    ...(hold === undefined ? {} : { hold }),
  }));
  add('groups', desired.groups, ({ gid }) => (gid === undefined ? {} : { gid }));
  add('users', desired.users, (user, name) => userFacts(name, user));
  for (const name of Object.keys(desired.absentUsers ?? {}))
    index['users'] = { ...index['users'], [name]: { type: 'absent' } };
  add('directories', desired.directories, (directory) => ({ type: 'directory', ...directory }));
  add('files', desired.files, (file, path) => fileFacts(file, stamps.get(path)?.sha256 ?? ''));
  for (const path of Object.keys(desired.absentPaths ?? {}))
    index['files'] = { ...index['files'], [path]: { type: 'absent' } };
  add('blocks', desired.blocks, blockFacts);
  add('symlinks', desired.symlinks, ({ target }) => ({ type: 'symlink', target }));
  add('mounts', desired.mounts, (mount: ManifestMount) => ({ ...mount }));
  add('units', desired.units, unitFacts);
  add('checks', desired.checks, (check: ManifestCheck) => ({ ...check }));
  return index;
}

export function fileFacts(file: ManifestFile, digest: string): FileFacts {
  const lines = referenceLines(file.content ?? '');
  return {
    type: 'file',
    owner: file.owner,
    group: file.group,
    mode: file.mode,
    sha256: digest,
    ...(lines.length === 0 ? {} : { secrets: lines }),
    ...(file.secret === undefined ? {} : { secret: file.secret }),
  };
}

export function userFacts(name: string, user: ExpandedUser): UserFacts {
  return {
    ...(user.uid === undefined ? {} : { uid: user.uid }),
    group: primaryGroup(name, user),
    home: user.home,
    shell: user.shell,
    groups: [...new Set(user.groups)].sort(),
    ...(user.expires === undefined ? {} : { expires: user.expires }),
  };
}

export function unitFacts(unit: Pick<ManifestUnit, 'enabled' | 'state'>): UnitFacts {
  return { enabled: unit.enabled, state: unit.state };
}

/** Name of each block → sha256 of its text. */
export function blockFacts(blocks: ManifestBlocks): Record<string, string> {
  return Object.fromEntries(Object.entries(blocks).map(([name, text]) => [name, sha256(normalBlock(text))]));
}
