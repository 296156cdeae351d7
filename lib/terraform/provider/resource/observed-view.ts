import type { Change, HostPlan, ObservedPath } from '../../../engine/model.js';
import type { CtyObject, CtyValue } from '../cty/value.js';
import { isObject } from '../cty/value.js';
import { blockTexts, oldSide, toLines, type Lines } from './text.js';
import { withShortLines } from './long-lines.js';
import { wholeView, VIEW_SECTIONS, type HostView, type ViewSection } from './view.js';

/**
 * How the host looks now, as far as the plan's manifest and its last generation name it. What the plan finds in
 * order looks exactly as desired; what differs looks as it was found; what is not there is not here.
 */
export function observedView(plan: HostPlan): HostView {
  const view = mutableCopy(wholeView(plan.manifest));
  for (const change of plan.changes) {
    if (change.section === 'blocks') applyBlockChange(view.blocks, change, plan);
    else applyChange(view, change.section, change, plan);
  }
  return withShortLines(view);
}

type MutableView = Record<ViewSection, Record<string, CtyValue>>;

function mutableCopy(view: HostView): MutableView {
  return Object.fromEntries(VIEW_SECTIONS.map((section) => [section, { ...view[section] }])) as MutableView;
}

function applyChange(view: MutableView, section: ViewSection, change: Change, plan: HostPlan): void {
  const desired = view[section][change.key];
  const found = observedItem(section, change, isObject(desired) ? desired : undefined, plan);
  if (found === undefined) Reflect.deleteProperty(view[section], change.key);
  else view[section][change.key] = found;
}

/** `undefined` where nothing of the kind is on the host. */
function observedItem(
  section: ViewSection,
  change: Change,
  desired: CtyObject | undefined,
  plan: HostPlan,
): CtyValue | undefined {
  const { key } = change;
  const { observed } = plan;
  switch (section) {
    case 'packages': {
      const version = observed.packages.get(key);
      return version === undefined ? undefined : { version };
    }
    case 'groups': {
      const gid = observed.groups.get(key);
      return gid === undefined ? undefined : { gid };
    }
    case 'users': {
      const user = observed.users.get(key);
      if (user === undefined) return undefined;
      const { uid, group, home, shell } = user;
      // Memberships that the document does not name are left alone, so they are no difference to show.
      const wanted = desired?.['groups'];
      const groups = user.groups.filter((name) => !Array.isArray(wanted) || wanted.includes(name));
      return { uid: desired?.['uid'] === null ? null : uid, group, home, shell, groups };
    }
    case 'mounts': {
      const mount = observed.mounts?.get(key);
      if (mount === undefined) return desired === undefined || observed.mounts !== null ? undefined : desired;
      return { source: mount.source, type: mount.type, options: [...mount.options], state: 'mounted' };
    }
    case 'units':
      return observedUnit(key, desired, plan);
    case 'checks':
      return desired;
    default: {
      const entry = observed.paths.get(key);
      return entry === undefined ? undefined : observedPath(section, entry, change, desired, plan);
    }
  }
}

function observedUnit(key: string, desired: CtyObject | undefined, plan: HostPlan): CtyObject | undefined {
  if (plan.observed.units === null) {
    const fileState = plan.observed.offline?.unitFiles?.get(key);
    return desired === undefined || fileState === undefined || fileState === ''
      ? desired
      : { ...desired, enabled: fileState };
  }
  const unit = plan.observed.units.get(key);
  if (unit === undefined) return undefined;
  if (unit.load === 'not-found') return undefined;
  const enabled = unit.load === 'masked' ? 'masked' : unit.fileState;
  return {
    enabled: desired?.['enabled'] === null && enabled !== 'masked' ? null : enabled,
    active: desired?.['active'] === null ? null : unit.active,
  };
}

function observedPath(
  section: ViewSection,
  entry: ObservedPath,
  change: Change,
  desired: CtyObject | undefined,
  plan: HostPlan,
): CtyObject {
  const wanted = { directories: 'directory', symlinks: 'symlink', files: 'file' }[section as string];
  const found = entry.kind === wanted ? null : describePath(entry);
  if (section === 'symlinks') return { target: found === null ? (entry.target ?? null) : null, found };
  const owners =
    desired !== undefined && !ownersCompared(desired, plan) ? ownersOf(desired) : ownersOf({ ...entry });
  const attributes = { ...owners, mode: entry.mode, found };
  return section === 'files' ? { ...observedText(change, desired, found, plan), ...attributes } : attributes;
}

function ownersOf(it: CtyObject): CtyObject {
  return { owner: it['owner'] ?? null, group: it['group'] ?? null };
}

/** In an offline root the engine leaves owners alone that cannot be set there; they are no difference to show. */
function ownersCompared(desired: CtyObject, { manifest, observed }: HostPlan): boolean {
  const { offline } = observed;
  if (offline === null) return true;
  if (!offline.privileged || !offline.accounts) return false;
  const { owner, group } = desired;
  if (typeof owner !== 'string' || typeof group !== 'string') return true;
  const users = manifest.users ?? {};
  return (
    (observed.users.has(owner) || Object.hasOwn(users, owner)) &&
    (observed.groups.has(group) || Object.hasOwn(manifest.groups ?? {}, group) || Object.hasOwn(users, group))
  );
}

function describePath(entry: ObservedPath): string {
  return entry.kind === 'symlink' ? `symlink to ${entry.target ?? '?'}` : entry.kind;
}

function observedText(
  change: Change,
  desired: CtyObject | undefined,
  found: string | null,
  plan: HostPlan,
): { readonly lines: CtyValue; readonly no_newline_at_end: CtyValue } {
  if (found !== null) return { lines: null, no_newline_at_end: null };
  const after =
    desired === undefined ? { lines: [], no_newline_at_end: null } : (desired as unknown as Lines);
  if (change.diff !== undefined && change.diff !== '') {
    const before = oldSide(change.diff, after);
    if (before !== undefined) return before;
  } else if (desired !== undefined && !plan.contents.has(change.key)) {
    // Nothing will be written: only attributes differ.
    return after;
  }
  return { lines: [`<${change.note ?? 'not shown'}>`], no_newline_at_end: null };
}

/** One change stands for all our blocks in a file; what the document does not name is shown if the change removes it. */
function applyBlockChange(blocks: Record<string, CtyValue>, change: Change, plan: HostPlan): void {
  const desired = blocks[change.key];
  const differing = change.before?.['blocks'];
  const names = [
    ...Object.keys(isObject(desired) ? desired : {}),
    ...(Array.isArray(differing) ? differing.map(String) : []),
  ];
  // The diff has secrets taken out where they happen to stand in the file, so the text comes from it.
  const after = toLines(plan.contents.get(change.key)?.toString('utf8') ?? '');
  const before = oldSide(change.diff ?? '', after) ?? after;
  const texts = blockTexts(Buffer.from(before.lines.map((line) => `${line}\n`).join('')));
  const found = names.flatMap((name): [string, readonly string[]][] => {
    const text = texts.get(name);
    return text === undefined ? [] : [[name, toLines(text).lines]];
  });
  if (found.length === 0) Reflect.deleteProperty(blocks, change.key);
  else blocks[change.key] = Object.fromEntries(found);
}
