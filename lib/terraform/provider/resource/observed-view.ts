import type { Change, HostPlan, ObservedPath } from '../../../engine/model.js';
import { expandManifest, type ExpandedManifest } from '../../../manifest/expand.js';
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
import { blockTexts, oldSide, toLines, type Lines } from './text.js';
import { desiredText, desiredView, VIEW_SECTIONS, type HostView, type ViewSection } from './view.js';

/**
 * How the host looks now, as far as the plan's manifest and its last generation name it. What the plan finds in
 * order looks exactly as desired; what differs looks as it was found; what is not there is not here.
 */
export function observedView(plan: HostPlan): HostView {
  const view = mutableCopy(desiredView(plan.manifest));
  const manifest = expandManifest(plan.manifest);
  for (const change of plan.changes) {
    const items = view[change.section];
    const found = observedItem(change.section, change, items[change.key], manifest, plan);
    if (found === undefined) Reflect.deleteProperty(items, change.key);
    else items[change.key] = found;
  }
  return view;
}

function mutableCopy(view: HostView): Record<ViewSection, Record<string, string>> {
  const copies = VIEW_SECTIONS.map((section) => [section, { ...view[section] }]);
  return Object.fromEntries(copies) as Record<ViewSection, Record<string, string>>;
}

/** `undefined` where nothing of the kind is on the host. */
function observedItem(
  section: ViewSection,
  change: Change,
  desired: string | undefined,
  manifest: ExpandedManifest,
  plan: HostPlan,
): string | undefined {
  const { key } = change;
  const { observed } = plan;
  switch (section) {
    case 'packages': {
      const version = observed.packages.get(key);
      return version === undefined ? undefined : describePackage(version);
    }
    case 'groups': {
      const gid = observed.groups.get(key);
      return gid === undefined ? undefined : describeGroup(gid);
    }
    case 'users':
      return observedUser(key, manifest, plan);
    case 'mounts': {
      const mount = observed.mounts?.get(key);
      if (mount !== undefined) return describeMount({ ...mount, state: 'mounted' });
      return desired === undefined || observed.mounts !== null ? undefined : desired;
    }
    case 'units':
      return observedUnit(key, desired, manifest, plan);
    case 'checks':
      return desired;
    case 'blocks':
      return observedBlocks(change, manifest, plan);
    default: {
      const entry = observed.paths.get(key);
      return entry === undefined ? undefined : observedPath(section, entry, change, manifest, plan);
    }
  }
}

function observedUser(name: string, manifest: ExpandedManifest, plan: HostPlan): string | undefined {
  const user = plan.observed.users.get(name);
  if (user === undefined) return undefined;
  const wanted = manifest.users?.[name];
  // Memberships that the document does not name are left alone, so they are no difference to show.
  const groups = user.groups.filter((group) => wanted === undefined || wanted.groups.includes(group));
  return describeUser({
    ...user,
    uid: wanted !== undefined && wanted.uid === undefined ? undefined : user.uid,
    groups,
  });
}

function observedUnit(
  name: string,
  desired: string | undefined,
  manifest: ExpandedManifest,
  plan: HostPlan,
): string | undefined {
  const wanted = manifest.units?.[name];
  if (plan.observed.units === null) {
    const fileState = plan.observed.offline?.unitFiles?.get(name) ?? '';
    if (wanted === undefined || fileState === '') return desired;
    const active = { running: 'active', stopped: 'inactive', any: null } as const;
    return describeUnit(fileState, active[wanted.state]);
  }
  const unit = plan.observed.units.get(name);
  if (unit === undefined || unit.load === 'not-found') return undefined;
  const enabled = unit.load === 'masked' ? 'masked' : unit.fileState;
  return describeUnit(
    wanted?.enabled === null && enabled !== 'masked' ? null : enabled,
    wanted?.state === 'any' ? null : unit.active,
  );
}

function observedPath(
  section: ViewSection,
  entry: ObservedPath,
  change: Change,
  manifest: ExpandedManifest,
  plan: HostPlan,
): string {
  const kind = { directories: 'directory', symlinks: 'symlink', files: 'file' }[section as string];
  const found = entry.kind === kind ? undefined : describeKind(entry);
  if (section === 'symlinks') return found === undefined ? (entry.target ?? '?') : `(${found})`;
  const wanted = manifest[section as 'directories' | 'files']?.[change.key];
  const { owner, group } = wanted !== undefined && !ownersCompared(wanted, plan) ? wanted : entry;
  const is = { owner, group, mode: entry.mode };
  if (section !== 'files' || found !== undefined) return describeDirectory(is, found);
  return describeFile(is, observedText(change, manifest, plan));
}

/** In an offline root the engine leaves owners alone that cannot be set there; they are no difference to show. */
function ownersCompared(
  { owner, group }: { readonly owner: string; readonly group: string },
  { manifest, observed }: HostPlan,
): boolean {
  const { offline } = observed;
  if (offline === null) return true;
  if (!offline.privileged || !offline.accounts) return false;
  const users = manifest.users ?? {};
  return (
    (observed.users.has(owner) || Object.hasOwn(users, owner)) &&
    (observed.groups.has(group) || Object.hasOwn(manifest.groups ?? {}, group) || Object.hasOwn(users, group))
  );
}

function describeKind(entry: ObservedPath): string {
  return entry.kind === 'symlink' ? `symlink to ${entry.target ?? '?'}` : entry.kind;
}

function observedText(change: Change, manifest: ExpandedManifest, plan: HostPlan): Lines | string {
  const file = manifest.files?.[change.key];
  const after = file === undefined ? toLines('') : desiredText(file);
  if (typeof after !== 'string' && change.diff !== undefined && change.diff !== '') {
    const before = oldSide(change.diff, after);
    if (before !== undefined) return before;
  } else if (file !== undefined && !plan.contents.has(change.key)) {
    // Nothing will be written: only attributes differ.
    return after;
  }
  return `<${change.note ?? 'not shown'}>`;
}

/** One change stands for all our blocks in a file; what the document does not name is shown if the change removes it. */
function observedBlocks(change: Change, manifest: ExpandedManifest, plan: HostPlan): string | undefined {
  const differing = change.before?.['blocks'];
  const names = [
    ...Object.keys(manifest.blocks?.[change.key] ?? {}),
    ...(Array.isArray(differing) ? differing.map(String) : []),
  ];
  // The diff has secrets taken out where they happen to stand in the file, so the text comes from it.
  const after = toLines(plan.contents.get(change.key)?.toString('utf8') ?? '');
  const before = oldSide(change.diff ?? '', after) ?? after;
  const texts = blockTexts(Buffer.from(before.lines.map((line) => `${line}\n`).join('')));
  const found = [...new Set(names)].flatMap((name): [string, Lines][] => {
    const text = texts.get(name);
    return text === undefined ? [] : [[name, toLines(text)]];
  });
  return found.length === 0 ? undefined : describeBlocks(found.sort(byKey));
}
