import { canonicalJson } from '../../manifest/index.js';
import { visible } from './style.js';

type Attributes = Readonly<Record<string, unknown>>;

/** `mode 0644 → 0600`: one line per attribute that differs, by name. */
export function changedAttributes(before: Attributes = {}, after: Attributes = {}): string[] {
  return sortedNames(before, after)
    .filter((name) => canonicalJson(before[name] ?? null) !== canonicalJson(after[name] ?? null))
    .map((name) => `${visible(name)} ${formatValue(before[name])} → ${formatValue(after[name])}`);
}

/** `owner root, group root, mode 0644`: all of them in one line, by name; empty for none. */
export function attributeLine(attributes: Attributes = {}): string {
  return sortedNames(attributes, {})
    .filter((name) => attributes[name] !== undefined)
    .map((name) => `${visible(name)} ${formatValue(attributes[name])}`)
    .join(', ');
}

/** Bare where that is clear, JSON where it is not; `none` for what is absent or empty. */
export function formatValue(value: unknown): string {
  if (value === undefined || value === null) return 'none';
  if (typeof value === 'string')
    return /^[\w./@:+=<>#%-][\w ./@:+=<>#%-]*$/.test(value) ? value : visible(JSON.stringify(value));
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `[${value.map(formatValue).join(', ')}]`;
  return visible(canonicalJson(value));
}

function sortedNames(before: Attributes, after: Attributes): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
}
