import { expandManifest, sha256 } from '../../manifest/index.js';
import { earlierMemberships } from '../diff/accounts.js';
import { accessWas } from '../diff/access.js';
import { unitBefore, userBefore } from '../diff/earlier.js';
import type { FileStamp, UserFacts } from '../diff/facts.js';
import { factsOf } from '../diff/facts.js';
import { appliedPathOf } from '../diff/path-views.js';
import type { AppliedIndex, AppliedItem, HostPlan, ObservedHost } from '../model.js';
import type { ManifestUnit, Section } from '../../manifest/index.js';

/**
 * What a plan makes of each item: `index.json` of the generation that applying it writes. An item that stood on the
 * host before any generation named it is marked as adopted, and stays so; of a user also the groups are kept (`had`) that
 * no generation gave.
 */
export function appliedIndex(plan: Pick<HostPlan, 'manifest' | 'observed' | 'contents'>): AppliedIndex {
  const desired = expandManifest(plan.manifest);
  const stamps = new Map<string, FileStamp>();
  for (const path of Object.keys(desired.files ?? {})) {
    const written = plan.contents.get(path);
    const seen = plan.observed.paths.get(path);
    if (written !== undefined) stamps.set(path, { sha256: sha256(written), size: written.length });
    else if (seen?.sha256 !== undefined) stamps.set(path, { sha256: seen.sha256, size: seen.size });
  }
  const index: Record<string, Record<string, AppliedItem>> = {};
  for (const [section, items] of Object.entries(factsOf(desired, stamps))) {
    index[section] = Object.fromEntries(
      Object.entries(items).map(([key, facts]) => [
        key,
        {
          ...facts,
          ...adoption(plan.observed, section as Section, key),
          ...(section === 'users' ? earlier(plan.observed, key, facts) : {}),
          ...(section === 'packages' && facts['hold'] === true ? earlierHold(plan.observed, key) : {}),
          ...(section === 'units'
            ? { ...earlierEnablement(plan.observed, key), ...concerning(desired.units?.[key]) }
            : {}),
        },
      ]),
    );
  }
  return index;
}

/**
 * The mark of an item. Of a file or link it also says that nothing stood there, so that what an older version of this
 * tool left without a mark is not taken for ours.
 */
function adoption(observed: ObservedHost, section: Section, key: string): { readonly adopted?: boolean } {
  if (section !== 'files' && section !== 'symlinks')
    return isAdopted(observed, section, key) ? { adopted: true } : {};
  const last = appliedPathOf(observed.applied, key);
  if (last === undefined) return { adopted: observed.paths.has(key) };
  if (last['type'] === 'directory') return { adopted: last['adopted'] === true };
  return typeof last['adopted'] === 'boolean' ? { adopted: last['adopted'] } : {};
}

/**
 * `had`: memberships of a user that no generation gave. They stay when the configuration names them no longer. `was`: home,
 * shell and primary group before any generation named the user.
 */
function earlier(observed: ObservedHost, name: string, facts: AppliedItem): object {
  if (facts['type'] === 'absent') return accessBefore(observed, name);
  const had = earlierMemberships(
    observed.applied?.users?.[name],
    (facts as unknown as UserFacts).groups,
    observed.users.get(name),
  );
  const was = userBefore(observed.applied?.users?.[name], observed.users.get(name));
  return {
    ...(had.length === 0 ? {} : { had }),
    ...(was === undefined ? {} : { was }),
    ...(facts['expires'] === undefined ? {} : accessBefore(observed, name)),
  };
}

/** `access`: until when a user could be used, and whether the password was locked, before a generation said it. */
function accessBefore(observed: ObservedHost, name: string): object {
  const seen = observed.users.get(name);
  const access = accessWas(observed.applied?.users?.[name]);
  return { access: access ?? { expires: seen?.expires ?? null, locked: seen?.locked ?? false } };
}

function earlierEnablement(observed: ObservedHost, name: string): { readonly was?: string } {
  const was = unitBefore(observed.applied?.units?.[name], fileState(observed, name));
  return was === undefined ? {} : { was };
}

/** What concerns a unit: when one of these paths leaves, the next document may name it no longer. */
function concerning(unit: ManifestUnit | undefined): object {
  if (unit === undefined) return {};
  const { restartOn, reloadOn, onChange } = unit;
  return {
    ...(restartOn.length === 0 ? {} : { restartOn }),
    ...(reloadOn.length === 0 ? {} : { reloadOn }),
    ...(onChange === undefined ? {} : { onChange }),
  };
}

function fileState(observed: ObservedHost, unit: string): string | undefined {
  return observed.units?.get(unit)?.fileState ?? observed.offline?.unitFiles?.get(unit);
}

function isAdopted(observed: ObservedHost, section: Section, key: string): boolean {
  const last =
    section === 'directories' ? appliedPathOf(observed.applied, key) : observed.applied?.[section]?.[key];
  // A directory in the place of a file or link did not stand there, whatever did.
  if (section === 'directories' && last !== undefined && last['type'] !== 'directory') return false;
  if (last !== undefined) return last['adopted'] === true;
  switch (section) {
    case 'packages':
      return observed.packages.has(key);
    case 'groups':
      return observed.groups.has(key);
    case 'users':
      return observed.users.has(key);
    case 'directories':
      return observed.paths.get(key)?.kind === 'directory';
    case 'mounts':
      return observed.mounts?.has(key) ?? false;
    case 'units': {
      return observed.units?.get(key)?.active === 'active' || fileState(observed, key) === 'enabled';
    }
    default:
      return false;
  }
}

/** `heldBefore`: that a package was held before a generation said so. It stays held when none says so any more. */
function earlierHold({ applied, stuckPackages }: ObservedHost, name: string): { readonly heldBefore?: true } {
  const last = applied?.packages?.[name];
  const held = last?.['hold'] === true ? last['heldBefore'] === true : stuckPackages?.get(name) === 'held';
  return held ? { heldBefore: true } : {};
}
