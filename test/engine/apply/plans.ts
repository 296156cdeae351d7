import type { Change, HostPlan, ObservedHost } from '../../../lib/engine/model.js';
import type { HostManifest } from '../../../lib/manifest/index.js';

export const NOTHING_SEEN: ObservedHost = {
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
};

/** A plan for a manifest with the given changes, of a host on which nothing was seen unless `observed` says so. */
export function planOf(
  manifest: Omit<HostManifest, 'version' | 'host'>,
  changes: readonly Change[],
  more: Partial<Omit<HostPlan, 'observed'>> & { readonly observed?: Partial<ObservedHost> } = {},
): HostPlan {
  return {
    host: 'ai-node',
    manifest: { version: 1, host: 'ai-node', ...manifest },
    digest: 'd'.repeat(64),
    changes,
    unitActions: [],
    checks: {},
    record: true,
    risky: false,
    notes: [],
    contents: new Map(),
    ...more,
    observed: { ...NOTHING_SEEN, ...more.observed },
  };
}

export function change(section: Change['section'], key: string, action: Change['action'] = 'create'): Change {
  return { section, key, action, cause: 'config' };
}

export const ROOT_FILE = { content: 'x\n', owner: 'root', group: 'root', mode: '0644' } as const;
export const ROOT_DIR = { owner: 'root', group: 'root', mode: '0755' } as const;
