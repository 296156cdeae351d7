import { expandManifest, sha256 } from '../../manifest/index.js';
import type { FileStamp } from '../diff/facts.js';
import { factsOf } from '../diff/facts.js';
import type { AppliedIndex, AppliedItem, HostPlan, ObservedHost } from '../model.js';
import type { Section } from '../../manifest/index.js';

/**
 * What a plan makes of each item: `index.json` of the generation that applying it writes. An item that stood on the
 * host before any generation named it is marked as adopted, and stays so.
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
        isAdopted(plan.observed, section as Section, key) ? { ...facts, adopted: true } : facts,
      ]),
    );
  }
  return index;
}

function isAdopted(observed: ObservedHost, section: Section, key: string): boolean {
  const last = observed.applied?.[section]?.[key];
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
      const unit = observed.units?.get(key);
      const fileState = unit?.fileState ?? observed.offline?.unitFiles?.get(key);
      return unit?.active === 'active' || fileState === 'enabled';
    }
    default:
      return false;
  }
}
