import {
  canonicalJson,
  DOCUMENT_PARTS,
  type DocumentPart,
  type ManifestUnit,
  type Problem,
} from '../../manifest/index.js';
import { order } from '../../text/order.js';
import type { Contribution, Trigger } from './contribution.js';

export interface CollectInput {
  readonly host: string;
  readonly hostPath: string;
  readonly os?: string;
  readonly assumedUsers: readonly string[];
  readonly assumedGroups: readonly string[];
  readonly items: readonly {
    /** Construct path. */
    readonly path: string;
    readonly contributions: readonly Contribution[];
    readonly triggers: readonly Trigger[];
  }[];
}

export interface Collected {
  /** A manifest document that still has to be validated. */
  readonly draft: Readonly<Record<string, unknown>>;
  readonly problems: readonly Problem[];
}

/** Sections whose items several constructs may declare alike: everybody may ask for a package or a parent directory. */
const SHAREABLE: readonly DocumentPart[] = ['packages', 'groups', 'directories', 'absentPaths'];

interface Entry {
  value: unknown;
  readonly origins: Set<string>;
}

/**
 * Puts the contributions of one host's constructs together: sorted by section, key and construct path, so that the
 * order of statements never shows.
 */
export function collect(input: CollectInput): Collected {
  const problems: Problem[] = [];
  const sections = new Map<DocumentPart, Map<string, Entry>>();
  const items = [...input.items].sort((a, b) => order(a.path, b.path));

  for (const { path, contributions } of items) {
    for (const contribution of contributions) {
      const entries = sections.get(contribution.section) ?? new Map<string, Entry>();
      sections.set(contribution.section, entries);
      const before = entries.get(contribution.key);
      if (before === undefined) {
        entries.set(contribution.key, { value: contribution.value, origins: new Set([path]) });
      } else {
        problems.push(...merge(contribution, path, before));
      }
    }
  }
  for (const { path, triggers } of items) {
    for (const trigger of triggers) problems.push(...addTrigger(trigger, path, sections.get('units')));
  }
  return { draft: draftOf(input, sections), problems };
}

/** Joins a second contribution to an item into `before`, or says why the two cannot stand together. */
function merge(contribution: Contribution, path: string, before: Entry): Problem[] {
  const { section, key, value } = contribution;
  const first = [...before.origins][0] ?? '';
  if (section === 'blocks') {
    const blocks = before.value as Record<string, string>;
    const twice = Object.keys(value).filter((name) => Object.hasOwn(blocks, name));
    if (twice.length === 0) {
      before.value = { ...blocks, ...value };
      before.origins.add(path);
      return [];
    }
    return twice.map((name) =>
      taken(path, `blocks[${JSON.stringify(key)}][${JSON.stringify(name)}]`, before),
    );
  }
  const same = canonicalJson(before.value) === canonicalJson(value);
  if (SHAREABLE.includes(section) && same) {
    before.origins.add(path);
    return [];
  }
  if (SHAREABLE.includes(section)) {
    return [
      {
        code: 'construct.item.differs',
        path,
        property: `${section}[${JSON.stringify(key)}]`,
        got: `is ${canonicalJson(value)} here and ${canonicalJson(before.value)} in ${first}`,
        fix: 'Make both the same, or declare it once',
      },
    ];
  }
  return [taken(path, `${section}[${JSON.stringify(key)}]`, before)];
}

function taken(path: string, property: string, before: Entry): Problem {
  return {
    code: 'construct.item.taken',
    path,
    property,
    got: `is declared by ${[...before.origins].join(' and ')} as well`,
    fix: 'Declare it once',
  };
}

function addTrigger(trigger: Trigger, path: string, units: Map<string, Entry> | undefined): Problem[] {
  const entry = units?.get(trigger.unit);
  if (entry === undefined) {
    return [
      {
        code: 'construct.unit.undeclared',
        path,
        got: `${trigger.unit} is to ${trigger.effect} when ${trigger.path} changes, but no construct of this host declares that unit`,
        fix: `Declare it, for a package's unit with SystemdUnit.fromPackage(host, id, { name: ${JSON.stringify(trigger.unit)} })`,
      },
    ];
  }
  const unit = entry.value as ManifestUnit;
  const list = trigger.effect === 'restart' ? 'restartOn' : 'reloadOn';
  entry.value = { ...unit, [list]: [...new Set([...unit[list], trigger.path])].sort() };
  return [];
}

function draftOf(
  input: CollectInput,
  sections: Map<DocumentPart, Map<string, Entry>>,
): Record<string, unknown> {
  const draft: Record<string, unknown> = {
    version: 1,
    host: input.host,
    ...(input.os === undefined ? {} : { os: input.os }),
  };
  const origins: [string, string][] = [];
  for (const section of DOCUMENT_PARTS) {
    const entries = [...(sections.get(section) ?? [])].sort(([a], [b]) => order(a, b));
    if (entries.length === 0) continue;
    draft[section] = Object.fromEntries(entries.map(([key, { value }]) => [key, sorted(section, value)]));
    origins.push(
      ...entries.map(([key, entry]): [string, string] => [
        `${section}/${key}`,
        [...entry.origins].sort(order).join(' and '),
      ]),
    );
  }
  const assumed = {
    ...(input.assumedUsers.length === 0 ? {} : { users: input.assumedUsers }),
    ...(input.assumedGroups.length === 0 ? {} : { groups: input.assumedGroups }),
  };
  if (Object.keys(assumed).length > 0) draft.assumedAccounts = assumed;
  if (origins.length > 0) draft.origins = Object.fromEntries(origins.sort(([a], [b]) => order(a, b)));
  return draft;
}

/** Blocks come from several constructs: their names are sorted like all other keys. */
function sorted(section: DocumentPart, value: unknown): unknown {
  if (section !== 'blocks') return value;
  return Object.fromEntries(Object.entries(value as Record<string, string>).sort(([a], [b]) => order(a, b)));
}
