import type { Problem } from '../problem.js';
import type { DocumentPart, HostManifest } from '../schema.js';

/** What a cross-section rule sees and where it reports. */
export interface RuleContext {
  /** The items whose shape is right; items with shape problems are left out. */
  readonly manifest: HostManifest;
  /** Whether a section has this key at all, even with a value whose shape is wrong. */
  readonly declares: (section: DocumentPart, key: string) => boolean;
  /** All keys of a section, as {@link declares} sees them, sorted. */
  readonly keys: (section: DocumentPart) => readonly string[];
  /** Where an item was declared: its construct path, or `manifest of <host>`. */
  readonly origin: (section: DocumentPart, key: string) => string;
  /** Reports a problem of one item; `member` is the property below it, such as `.mode` or `.restartOn[0]`. */
  readonly report: (section: DocumentPart, key: string, problem: ItemProblem) => void;
}

export interface ItemProblem {
  readonly code: string;
  readonly member?: string;
  readonly got: string;
  readonly fix: string;
}

export type Rule = (context: RuleContext) => void;

/** `files["/etc/x"].mode` */
export function propertyOf(section: DocumentPart, key: string, member = ''): string {
  return `${section}[${JSON.stringify(key)}]${member}`;
}

/** Where an item was declared, by the manifest's `origins`; `manifest of <host>` when they do not say. */
export function originOf(manifest: unknown, section: string, key: string): string {
  const origins = member(manifest, 'origins');
  const origin = member(origins, `${section}/${key}`);
  return typeof origin === 'string' && origin !== '' ? origin : manifestName(manifest);
}

/** `manifest of ai-node`, or `manifest` when the host's name is not even a text. */
export function manifestName(manifest: unknown): string {
  const host = member(manifest, 'host');
  return typeof host === 'string' ? `manifest of ${host}` : 'manifest';
}

/** An own member of a plain object, or `undefined`. */
export function member(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Record<PropertyKey, unknown>)[key];
}

/** A problem of an item, with its path and property filled in. */
export function itemProblem(
  manifest: unknown,
  section: DocumentPart,
  key: string,
  problem: ItemProblem,
): Problem {
  return {
    code: problem.code,
    path: originOf(manifest, section, key),
    property: propertyOf(section, key, problem.member),
    got: problem.got,
    fix: problem.fix,
  };
}
