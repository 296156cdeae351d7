import { sha256 } from '../../../manifest/canonical.js';
import { expandManifest, primaryGroup, type ExpandedUser } from '../../../manifest/expand.js';
import type { HostManifest, ManifestCheck, ManifestFile, ManifestUnit } from '../../../manifest/schema.js';
import { byKey } from '../../../text/order.js';
import {
  describeBlocks,
  describeDirectory,
  describeFile,
  describeGroup,
  describeMount,
  describePackage,
  describeUnit,
  describeUser,
} from './describe.js';
import { maskReferences, toLines, type Lines } from './text.js';

/** The sections in the order of the manifest; kept here so that showing needs no schema library. */
export const VIEW_SECTIONS = [
  'packages',
  'groups',
  'users',
  'directories',
  'files',
  'blocks',
  'symlinks',
  'mounts',
  'units',
  'checks',
] as const satisfies readonly (keyof HostManifest)[];
export type ViewSection = (typeof VIEW_SECTIONS)[number];

/** What a person reviews: for each section, one line an item by key (`describe.ts`). */
export type HostView = Readonly<Record<ViewSection, Readonly<Record<string, string>>>>;

/**
 * How the host looks once it is as the manifest says. Depends on nothing else, so that what is planned, what apply
 * returns and what the next read finds are equal.
 */
export function desiredView(document: HostManifest): HostView {
  const manifest = expandManifest(document);
  return {
    packages: mapValues(manifest.packages, (it) => describePackage(it.version)),
    groups: mapValues(manifest.groups, (it) => describeGroup(it.gid)),
    users: mapValues(manifest.users, desiredUser),
    directories: mapValues(manifest.directories, (it) => describeDirectory(it)),
    files: mapValues(manifest.files, (it) => describeFile(it, desiredText(it))),
    blocks: mapValues(manifest.blocks, desiredBlocks),
    symlinks: mapValues(manifest.symlinks, (it) => it.target),
    mounts: mapValues(manifest.mounts, describeMount),
    units: mapValues(manifest.units, desiredUnit),
    checks: mapValues(manifest.checks, describeCheck),
  };
}

function mapValues<T>(
  items: Readonly<Record<string, T>> | undefined,
  f: (item: T, key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(items ?? {}).map(([key, item]) => [key, f(item, key)]));
}

/** A file's lines, with secrets by name; of bytes that are no text, `840 bytes 9f86d081884c`. */
export function desiredText(file: ManifestFile): Lines | string {
  if (file.bytes !== undefined) {
    const bytes = Buffer.from(file.bytes, 'base64');
    return `${bytes.length} bytes ${sha256(bytes).slice(0, 12)}`;
  }
  return file.secret === undefined
    ? toLines(maskReferences(file.content ?? ''))
    : { lines: [`<secret ${file.secret}>`], no_newline_at_end: null };
}

function desiredUser(user: ExpandedUser, name: string): string {
  return describeUser({ ...user, uid: user.uid, group: primaryGroup(name, user) });
}

function desiredBlocks(blocks: Readonly<Record<string, string>>): string {
  return describeBlocks(
    Object.entries(blocks)
      .sort(byKey)
      .map(([name, text]) => [name, toLines(text)]),
  );
}

function desiredUnit(unit: ManifestUnit): string {
  const active = { running: 'active', stopped: 'inactive', any: null } as const;
  const enabled = unit.enabled === null ? null : unit.enabled ? 'enabled' : 'disabled';
  return describeUnit(enabled, active[unit.state]);
}

/** One line for a person: `http://127.0.0.1:9090/-/ready answers 200 within 30 s, wave 1`. */
export function describeCheck(check: ManifestCheck): string {
  const when = `within ${check.timeoutSec} s, wave ${check.wave}`;
  switch (check.kind) {
    case 'unit':
      return `${check.unit} is active ${when}`;
    case 'http':
      return `${check.url} answers ${check.status} ${when}`;
    case 'tcp':
      return `${check.host} port ${check.port} accepts connections ${when}`;
    case 'command':
      return `${check.command.join(' ')} succeeds ${when}`;
  }
}
