import type { Scalar } from '../../inventory/index.js';
import { order } from '../../text/order.js';
import { hunksOf, linesOf, tokensOf } from './lines.js';

/** A value of the inventory that may have been meant by an edit. */
export interface Candidate {
  readonly path: readonly string[];
  readonly from: Scalar;
  readonly to: Scalar;
  /** Where it was found: which of the changed lines, and how far in. */
  readonly place: string;
}

export interface Leaf {
  readonly path: readonly string[];
  readonly value: Scalar;
}

/** What an inventory says about machines and services; not how to log in, or where secrets are. */
const PARTS: readonly string[] = ['hosts', 'operator', 'thresholds', 'slo'];
const NOT_OF_HOST: readonly string[] = ['root', 'ssh'];

/** Every single value of an inventory that hosts are made from, defaults as well. */
export function inventoryLeaves(inventory: object): Leaf[] {
  const leaves: Leaf[] = [];
  const walk = (value: unknown, path: readonly string[]): void => {
    if (path[0] === 'hosts' && path.length === 3 && NOT_OF_HOST.includes(path[2] ?? '')) return;
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
      leaves.push({ path, value });
    else if (typeof value === 'object' && value !== null)
      for (const [key, inner] of Object.entries(value)) walk(inner, [...path, key]);
  };
  for (const part of PARTS) walk((inventory as Record<string, unknown>)[part], [part]);
  return leaves;
}

/** What a number of the inventory may be multiplied by on its way into a file: seconds of minutes, shares of percent. */
const FACTORS: readonly number[] = [1, 60, 3600, 86_400, 1000, 1024, 100, 0.01, 24];

export interface EditedText {
  readonly host: string;
  readonly key: string;
  readonly origin: string;
  readonly before: string;
  readonly after: string;
}

/** Values that, changed, may make `after` of `before`: the likeliest first, each once. Only a trial can tell. */
export function candidatesFor(edit: EditedText, leaves: readonly Leaf[]): Candidate[] {
  const found = new Map<string, { readonly candidate: Candidate; readonly score: number }>();
  for (const [line, { before, after }] of changedLines(edit.before, edit.after).entries()) {
    const { map, numbers } = alignment(before, after);
    for (const leaf of leaves) {
      for (const { to, exact, at } of newValues(leaf.value, before, after, map, numbers)) {
        const candidate = { path: leaf.path, from: leaf.value, to, place: `${line}:${at}` };
        const id = JSON.stringify([leaf.path, to]);
        const score = scoreOf(leaf, edit, before) - (exact ? 0 : 5);
        if ((found.get(id)?.score ?? -Infinity) < score) found.set(id, { candidate, score });
      }
    }
  }
  return [...found.values()]
    .sort((a, b) => b.score - a.score || order(a.candidate.path.join('.'), b.candidate.path.join('.')))
    .map(({ candidate }) => candidate);
}

interface ChangedLine {
  readonly before: string;
  readonly after: string;
}

/** Lines that became other lines: where as many came as went. */
function changedLines(before: string, after: string): ChangedLine[] {
  return (hunksOf(linesOf(before), linesOf(after)) ?? []).flatMap(({ removed, added }) =>
    removed.length === added.length
      ? removed.map((line, index) => ({ before: line, after: added[index] ?? '' }))
      : [],
  );
}

interface Alignment {
  /** Where an offset of the old line is in the new one; `undefined` inside what was replaced. */
  readonly map: (offset: number, edge: 'start' | 'end') => number | undefined;
  /** Offsets of the numbers of the old line. */
  readonly numbers: readonly (readonly [number, number])[];
}

function alignment(before: string, after: string): Alignment {
  const old = tokensOf(before);
  const now = tokensOf(after);
  const starts = new Map<number, number>();
  const ends = new Map<number, number>();
  const numbers: [number, number][] = [];
  const hunks = hunksOf(old, now) ?? [];
  let a = 0;
  let b = 0;
  let index = 0;
  const equal = (until: number): void => {
    for (; index < until; index += 1) {
      const { length } = old[index] ?? '';
      for (let inside = 0; inside < length; inside += 1) {
        starts.set(a + inside, b + inside);
        ends.set(a + inside + 1, b + inside + 1);
      }
      a += length;
      b += length;
    }
  };
  for (const { at, removed, added } of hunks) {
    equal(at);
    starts.set(a, b);
    a += removed.join('').length;
    b += added.join('').length;
    ends.set(a, b);
    index += removed.length;
  }
  equal(old.length);
  let offset = 0;
  for (const token of old) {
    if (/^\d/.test(token)) numbers.push([offset, offset + token.length]);
    offset += token.length;
  }
  return { map: (at, edge) => (edge === 'start' ? starts : ends).get(at), numbers };
}

interface NewValue {
  readonly to: Scalar;
  /** Offset in the old line. */
  readonly at: number;
  /** False when the file has a multiple of the value. */
  readonly exact: boolean;
}

function newValues(
  value: Scalar,
  before: string,
  after: string,
  map: Alignment['map'],
  numbers: Alignment['numbers'],
): NewValue[] {
  const cut = (start: number, end: number): string | undefined => {
    const [from, to] = [map(start, 'start'), map(end, 'end')];
    return from === undefined || to === undefined || to < from ? undefined : after.slice(from, to);
  };
  if (typeof value === 'number') {
    return numbers.flatMap(([start, end]) => {
      const text = cut(start, end);
      if (text === undefined || !/^-?\d+(\.\d+)?$/.test(text)) return [];
      const old = Number(before.slice(start, end));
      if (Number(text) === old || value === 0) return [];
      return FACTORS.filter((factor) => value * factor === old).map((factor) => ({
        to: Number((Number(text) / factor).toPrecision(12)),
        exact: factor === 1,
        at: start,
      }));
    });
  }
  const old = String(value);
  if (old === '') return [];
  const values: NewValue[] = [];
  for (let at = before.indexOf(old); at !== -1; at = before.indexOf(old, at + 1)) {
    const text = cut(at, at + old.length);
    if (text === undefined || text === old || text === '' || text.includes('\n')) continue;
    if (typeof value === 'string') values.push({ to: text, exact: true, at });
    else if (text === 'true' || text === 'false') values.push({ to: text === 'true', exact: true, at });
  }
  return values;
}

function scoreOf({ path }: Leaf, edit: EditedText, line: string): number {
  const name = letters((path.filter((part) => !/^\d+$/.test(part)).at(-1) ?? '').replace(UNIT, ''));
  const where = `${edit.key} ${edit.origin}`;
  const named = path.slice(2, -1).filter((part) => part.length > 2 && where.includes(part)).length;
  return (
    named * 4 +
    (name !== '' && letters(line).includes(name) ? 3 : 0) +
    (path[0] === 'hosts' && path[1] === edit.host ? 1 : 0)
  );
}

/** Of a name: what its number counts. */
const UNIT = /(Sec|Days|Minutes|GiB|Percent|Celsius|Watts)$/;

function letters(text: string): string {
  return text.toLowerCase().replace(/[^a-z]/g, '');
}
