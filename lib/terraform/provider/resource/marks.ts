import { createHmac } from 'node:crypto';
import { canonicalJson } from '../../../manifest/canonical.js';
import { expandManifest } from '../../../manifest/expand.js';
import type { HostPlan, ObservedHost } from '../../../engine/model.js';
import { blockTexts } from './text.js';
import { VIEW_SECTIONS, type ViewSection } from './view.js';

/**
 * What a plan saw, as short digests: `{"files /etc/x": "9f2c…", "generation": "4"}`. They travel from read to plan
 * to apply as Terraform's private data, so that an apply can tell whether the host is still what was reviewed.
 * The digests are keyed with the host's own secret key, so that they tell nothing of a file with a secret in it.
 */
export type Marks = Readonly<Record<string, string>>;

const GENERATION = 'generation';

export function marksOf(plan: HostPlan): Marks {
  const { observed } = plan;
  const manifest = expandManifest(plan.manifest);
  const marks: Record<string, string> = { [GENERATION]: String(observed.generation ?? 'none') };
  for (const section of VIEW_SECTIONS) {
    const keys = new Set([
      ...Object.keys(manifest[section] ?? {}),
      ...Object.keys(observed.applied?.[section] ?? {}),
      ...(section === 'files' ? Object.keys(manifest.absentPaths ?? {}) : []),
    ]);
    for (const key of keys) {
      const fact = factOf(section, key, observed);
      if (fact !== undefined) marks[`${section} ${key}`] = digest(fact, observed.secretKey);
    }
  }
  return marks;
}

function digest(fact: unknown, key: Buffer | null): string {
  return createHmac('sha256', key ?? '')
    .update(canonicalJson(fact))
    .digest('hex')
    .slice(0, 12);
}

/**
 * What was observed of an item, whatever the document says of it: a read and a plan of different documents can then be
 * compared. `undefined` for what cannot be observed, `null` for what is not there.
 */
function factOf(section: ViewSection, key: string, observed: ObservedHost): unknown {
  switch (section) {
    case 'packages':
      return observed.packages.get(key) ?? null;
    case 'groups':
      return observed.groups.get(key) ?? null;
    case 'users':
      return observed.users.get(key) ?? null;
    case 'mounts': {
      const mount = observed.mounts?.get(key);
      return mount === undefined ? null : [mount.source, mount.type];
    }
    case 'units':
      return unitFact(key, observed);
    case 'checks':
      return undefined;
    case 'blocks':
      return Object.fromEntries(blockTexts(observed.contents.get(key)));
    default: {
      const entry = observed.paths.get(key);
      if (entry === undefined) return null;
      return [entry.kind, entry.owner, entry.group, entry.mode, entry.sha256, entry.target];
    }
  }
}

/** A unit that is just starting counts as one that runs: seconds must not make an apply refuse. */
function unitFact(name: string, observed: ObservedHost): unknown {
  if (observed.units === null) return observed.offline?.unitFiles?.get(name) ?? null;
  const unit = observed.units.get(name);
  if (unit === undefined) return null;
  const runs = ['active', 'activating', 'reloading', 'refreshing'].includes(unit.active);
  return [unit.load, unit.fileState, runs];
}

/**
 * What differs between two times, of what both looked at, in words: `files /etc/x`, `generation (was 3, is 4)`.
 * An empty list says that the host is as it was.
 */
export function changedSince(before: Marks, now: Marks): string[] {
  const changed: string[] = [];
  for (const [name, mark] of Object.entries(before)) {
    const current = now[name];
    if (current === undefined || current === mark) continue;
    changed.push(name === GENERATION ? `generation (was ${mark}, is ${current})` : name);
  }
  return changed.sort();
}

/** Private data as bytes. */
export function encodeMarks(marks: Marks): Uint8Array {
  return Buffer.from(JSON.stringify({ version: 1, marks }));
}

/** No marks from empty or foreign data: nothing can be compared then, and the engine's own checks remain. */
export function decodeMarks(bytes: Uint8Array): Marks {
  if (bytes.length === 0) return {};
  try {
    const data = JSON.parse(Buffer.from(bytes).toString('utf8')) as { version?: unknown; marks?: Marks };
    return data.version === 1 && data.marks !== undefined ? data.marks : {};
  } catch {
    return {};
  }
}
