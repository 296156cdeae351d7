import type { Change, HostPlan, ObservedHost } from '../../../lib/engine/model.js';
import { manifestDigest, type HostManifest } from '../../../lib/manifest/index.js';

/** A host on which nothing is. */
export function observedHost(parts: Partial<ObservedHost> = {}): ObservedHost {
  return {
    generation: null,
    digest: null,
    applied: null,
    debts: [],
    open: null,
    paths: new Map(),
    contents: new Map(),
    units: new Map(),
    packages: new Map(),
    groups: new Map(),
    users: new Map(),
    mounts: new Map(),
    secretKey: null,
    offline: null,
    ...parts,
  };
}

/** A plan as data, for the pure parts that turn plans into Terraform's values. */
export function hostPlan(
  manifest: HostManifest,
  changes: readonly Change[] = [],
  parts: Partial<HostPlan> = {},
): HostPlan {
  return {
    host: manifest.host,
    manifest,
    digest: manifestDigest(manifest),
    observed: observedHost(),
    changes,
    unitActions: [],
    checks: {},
    record: false,
    risky: false,
    notes: [],
    contents: new Map(),
    ...parts,
  };
}
