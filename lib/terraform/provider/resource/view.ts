import type { CtyObject } from '../cty/value.js';
import { sha256 } from '../../../manifest/canonical.js';
import { expandManifest, primaryGroup, type ExpandedUser } from '../../../manifest/expand.js';
import type {
  HostManifest,
  ManifestCheck,
  ManifestFile,
  ManifestMount,
  ManifestUnit,
} from '../../../manifest/schema.js';
import { withShortLines } from './long-lines.js';
import { maskReferences, toLines } from './text.js';

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

/** What a person reviews: for each section, items by key, in the shapes of `schema.ts`. */
export type HostView = Readonly<Record<ViewSection, CtyObject>>;

/**
 * How the host looks once it is as the manifest says. Depends on nothing else, so that what is planned, what apply
 * returns and what the next read finds are equal.
 */
export function desiredView(document: HostManifest): HostView {
  return withShortLines(wholeView(document));
}

/** {@link desiredView} with every line whole. */
export function wholeView(document: HostManifest): HostView {
  const manifest = expandManifest(document);
  return {
    packages: mapValues(manifest.packages, (it) => ({ version: it.version ?? null })),
    groups: mapValues(manifest.groups, (it) => ({ gid: it.gid ?? null })),
    users: mapValues(manifest.users, desiredUser),
    directories: mapValues(manifest.directories, (it) => ({ ...owned(it), found: null })),
    files: mapValues(manifest.files, desiredFile),
    blocks: mapValues(manifest.blocks, (blocks) => mapValues(blocks, (text) => toLines(text).lines)),
    symlinks: mapValues(manifest.symlinks, (it) => ({ target: it.target, found: null })),
    mounts: mapValues(manifest.mounts, desiredMount),
    units: mapValues(manifest.units, desiredUnit),
    checks: mapValues(manifest.checks, describeCheck),
  };
}

function mapValues<T, R>(
  items: Readonly<Record<string, T>> | undefined,
  f: (item: T, key: string) => R,
): Record<string, R> {
  return Object.fromEntries(Object.entries(items ?? {}).map(([key, item]) => [key, f(item, key)]));
}

export function owned(it: { readonly owner: string; readonly group: string; readonly mode: string }) {
  return { owner: it.owner, group: it.group, mode: it.mode };
}

function desiredUser(user: ExpandedUser, name: string): CtyObject {
  return {
    uid: user.uid ?? null,
    group: primaryGroup(name, user),
    home: user.home,
    shell: user.shell,
    groups: [...new Set(user.groups)].sort(),
  };
}

function desiredFile(file: ManifestFile): CtyObject {
  if (file.bytes !== undefined)
    return { lines: [bytesLine(file.bytes)], no_newline_at_end: null, ...owned(file), found: null };
  const text =
    file.secret === undefined
      ? toLines(maskReferences(file.content ?? ''))
      : { lines: [`<secret ${file.secret}>`], no_newline_at_end: null };
  return { ...text, ...owned(file), found: null };
}

/** `<840 bytes, sha256 9f86d081884c>` */
function bytesLine(base64: string): string {
  const bytes = Buffer.from(base64, 'base64');
  return `<${String(bytes.length)} bytes, sha256 ${sha256(bytes).slice(0, 12)}>`;
}

function desiredMount(mount: ManifestMount): CtyObject {
  return { source: mount.source, type: mount.type, options: mount.options, state: mount.state };
}

function desiredUnit(unit: ManifestUnit): CtyObject {
  const active = { running: 'active', stopped: 'inactive', any: null } as const;
  return {
    enabled: unit.enabled === null ? null : unit.enabled ? 'enabled' : 'disabled',
    active: active[unit.state],
  };
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
