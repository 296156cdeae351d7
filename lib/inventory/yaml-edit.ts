import { isDeepStrictEqual } from 'node:util';
import { isMap, isScalar, isSeq, parseDocument, type Document, type Node, type YAMLMap } from 'yaml';
import { readYaml } from './yaml-source.js';

export type Scalar = string | number | boolean;

/**
 * A YAML text in which one value is another one, and nothing else is: comments, quotes and the layout of all other lines stay.
 * A value that is not written yet is added to the nearest map around it that is.
 *
 * @param path keys of maps, and numbers for items of lists
 * @returns `undefined` where that cannot be done by touching one place: the value comes from an alias, or stands in for
 *   others by an anchor, or nothing around it is written as a map
 */
export function setScalar(text: string, path: readonly string[], value: Scalar): string | undefined {
  const before = readYaml(text, '');
  if (Array.isArray(before)) return undefined;
  const document = parseDocument(text, { stringKeys: true, merge: true, prettyErrors: false });
  const wanted = withValue(before.value, path, value);
  return writings(document, text, path, value).find((candidate) => {
    const after = readYaml(candidate, '');
    return !Array.isArray(after) && isDeepStrictEqual(after.value, wanted);
  });
}

/** Ways in which it could be written, the best first; whether they mean the same is for the caller to see. */
function writings(document: Document.Parsed, text: string, path: readonly string[], value: Scalar): string[] {
  let node: unknown = document.contents;
  for (const [index, key] of path.entries()) {
    if (isSeq(node)) {
      node = node.items[Number(key)];
      continue;
    }
    if (!isMap(node)) return [];
    const pair = node.items.find((item) => isScalar(item.key) && item.key.value === key);
    if (pair === undefined) return insertions(node, text, path.slice(index), value);
    node = pair.value;
  }
  const range = isScalar(node) && node.source !== '' ? node.range : undefined;
  if (range === undefined || range === null) return [];
  const plain = isScalar(node) && (node.type === undefined || node.type === 'PLAIN');
  return scalars(value, plain).map((written) => text.slice(0, range[0]) + written + text.slice(range[1]));
}

function scalars(value: Scalar, plain: boolean): string[] {
  if (typeof value !== 'string') return [String(value)];
  return plain ? [value, JSON.stringify(value)] : [JSON.stringify(value)];
}

function insertions(map: YAMLMap, text: string, path: readonly string[], value: Scalar): string[] {
  const [first = '', ...rest] = path.map(keyText);
  return scalars(value, true).flatMap((written) => {
    const inner = rest.reduceRight((inside, key) => `{ ${key}: ${inside} }`, written);
    const added = `${first}: ${inner}`;
    const found = map.flow === true ? intoFlow(map, text, added) : intoBlock(map, text, added);
    return found === undefined ? [] : [found];
  });
}

function intoFlow(map: YAMLMap, text: string, added: string): string | undefined {
  const { range } = map;
  if (range === undefined || range === null) return undefined;
  if (map.items.length === 0) return `${text.slice(0, range[0])}{ ${added} }${text.slice(range[1])}`;
  const end = rangeOf(map.items.at(-1)?.value)?.[1];
  return end === undefined ? undefined : `${text.slice(0, end)}, ${added}${text.slice(end)}`;
}

/** After the map's last line, as far in as its first key. */
function intoBlock(map: YAMLMap, text: string, added: string): string | undefined {
  const start = rangeOf(map.items[0]?.key)?.[0];
  const end = rangeOf(map.items.at(-1)?.value)?.[1];
  if (start === undefined || end === undefined) return undefined;
  const indent = ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1));
  const lastLine = text.slice(0, end).trimEnd().length;
  const newline = text.indexOf('\n', lastLine);
  const at = newline === -1 ? text.length : newline;
  const ending = text[at - 1] === '\r' ? '\r\n' : '\n';
  const position = ending === '\r\n' ? at - 1 : at;
  return `${text.slice(0, position)}${ending}${indent}${added}${text.slice(position)}`;
}

function keyText(key: string): string {
  return /^[A-Za-z_/][\w/.-]*$/.test(key) ? key : JSON.stringify(key);
}

function rangeOf(node: unknown): readonly number[] | undefined {
  return (node as Node | null | undefined)?.range ?? undefined;
}

function withValue(whole: unknown, path: readonly string[], value: Scalar): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  if (Array.isArray(whole)) {
    return whole.map((item: unknown, index) => (index === Number(key) ? withValue(item, rest, value) : item));
  }
  const map = Object(whole ?? {}) as Record<string, unknown>;
  return { ...map, [key]: withValue(Object.hasOwn(map, key) ? map[key] : undefined, rest, value) };
}
