import { hunksOf, linesOf } from './lines.js';

/**
 * A template with values in it, changed as its result was: where every changed line stands in both alike. What of it is
 * right is for the caller to see, by filling it.
 */
export function editedTemplate(template: string, rendered: string, wanted: string): string | undefined {
  const source = linesOf(template);
  const result = linesOf(rendered);
  const filled = hunksOf(source, result);
  const edits = hunksOf(result, linesOf(wanted));
  if (filled === undefined || edits === undefined) return undefined;
  // Index in the template of each line of the result that comes from it as it is.
  const from = new Map<number, number>();
  let shift = 0;
  let position = 0;
  for (const hunk of [...filled, { at: source.length, removed: [], added: [] }]) {
    for (; position < hunk.at; position += 1) from.set(position + shift, position);
    position = hunk.at + hunk.removed.length;
    shift += hunk.added.length - hunk.removed.length;
  }
  const edited = [...source];
  for (const { at, removed, added } of [...edits].reverse()) {
    const place = placeOf(from, at, removed.length);
    if (place === undefined) return undefined;
    edited.splice(place, removed.length, ...added.map((line) => line.replaceAll('<%', '<%%')));
  }
  return edited.join('');
}

/** Where `count` lines of the result begin in the template; for none, where the line before or after says. */
function placeOf(from: ReadonlyMap<number, number>, at: number, count: number): number | undefined {
  if (count === 0) {
    const next = from.get(at);
    const before = from.get(at - 1);
    return next ?? (before === undefined ? undefined : before + 1);
  }
  const first = from.get(at);
  if (first === undefined) return undefined;
  for (let index = 1; index < count; index += 1) if (from.get(at + index) !== first + index) return undefined;
  return first;
}
