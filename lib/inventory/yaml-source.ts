import {
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import type { Problem } from '../manifest/index.js';
import { errorMessage } from '../text/error-message.js';

/** A key path into a document, as zod reports it. */
export type KeyPath = readonly PropertyKey[];

/** A parsed YAML text that still knows where everything stands. */
export interface YamlSource {
  readonly value: unknown;
  /** `citadel.yaml:12:5` of the value at `path`, or of the nearest thing around it that exists. */
  locate(path: KeyPath): string;
  /** The same for the key itself (`port` of `port: 22`). */
  locateKey(path: KeyPath): string;
}

/** Aliases that stand for more nodes than this are an attack or an accident ("billion laughs"). */
const MAX_ALIASES = 100;

/** Reads one YAML 1.2 document with unique text keys, anchors and `<<`. Problems instead of a value when it is none. */
export function readYaml(text: string, fileName: string): YamlSource | Problem[] {
  const lines = new LineCounter();
  const place = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${fileName}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  let document: Document.Parsed;
  try {
    document = parseDocument(text, {
      lineCounter: lines,
      stringKeys: true,
      merge: true,
      prettyErrors: false,
    });
  } catch (error) {
    return [syntaxProblem(fileName, error)];
  }
  const problems = [...document.errors, ...document.warnings].map((error) =>
    yamlProblem(error, place(error.pos[0]), text),
  );
  if (problems.length > 0) return problems;
  try {
    const circular = findCircle(document.contents, []);
    if (circular !== undefined) return [{ ...circular.problem, path: place(circular.offset) }];
    const unknown = unknownAliases(document, place);
    if (unknown.length > 0) return unknown;
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    return {
      value,
      locate: (path) => place(offsetOf(document, path, 'value')),
      locateKey: (path) => place(offsetOf(document, path, 'key')),
    };
  } catch (error) {
    return [syntaxProblem(fileName, error)];
  }
}

function yamlProblem(
  error: { code: string; message: string; pos: [number, number] },
  path: string,
  text: string,
): Problem {
  if (error.code === 'DUPLICATE_KEY') {
    const key = /^("[^"\n]*"|'[^'\n]*'|[^:\s]*)/.exec(text.slice(error.pos[0]))?.[0] ?? '';
    return {
      code: 'inventory.duplicate-key',
      path,
      got: `the key ${key} stands twice in one map`,
      fix: 'Keep one of the two.',
    };
  }
  if (error.code === 'MULTIPLE_DOCS') {
    return {
      code: 'inventory.yaml',
      path,
      got: 'a second document starts here',
      fix: 'Keep one document per file.',
    };
  }
  return {
    code: 'inventory.yaml',
    path,
    got: `not YAML: ${firstLine(error.message)}`,
    fix: 'Correct it here or just above.',
  };
}

function syntaxProblem(path: string, error: unknown): Problem {
  const words = errorMessage(error);
  const deep = error instanceof RangeError;
  return {
    code: 'inventory.yaml',
    path,
    got: deep ? 'not YAML that can be read: it is nested too deeply' : `not YAML: ${firstLine(words)}`,
    fix: deep ? 'Nest less.' : 'Use fewer aliases (*name).',
  };
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? '';
}

/** Each alias whose anchor does not stand before it. */
function unknownAliases(document: Document.Parsed, place: (offset: number) => string): Problem[] {
  const problems: Problem[] = [];
  let aliases = 0;
  visit(document, {
    Alias: (_key, alias) => {
      aliases += 1;
      if (aliases > MAX_ALIASES || alias.resolve(document) !== undefined) return;
      problems.push({
        code: 'inventory.yaml',
        path: place(start(alias) ?? 0),
        got: `the alias *${alias.source} has no anchor before it`,
        fix: `Write &${alias.source} where the value first stands, or write the value out.`,
      });
    },
  });
  return problems;
}

interface Circle {
  readonly offset: number;
  readonly problem: Omit<Problem, 'path'>;
}

/** An alias inside the very node that its anchor names: the value would hold itself. */
function findCircle(node: unknown, open: readonly string[]): Circle | undefined {
  if (isAlias(node)) {
    if (!open.includes(node.source)) return undefined;
    return {
      offset: start(node) ?? 0,
      problem: {
        code: 'inventory.yaml',
        got: `the alias *${node.source} stands inside what &${node.source} names`,
        fix: 'Write the value out.',
      },
    };
  }
  const anchor = isMap(node) || isSeq(node) ? node.anchor : undefined;
  const inside = anchor === undefined ? open : [...open, anchor];
  if (isMap(node)) {
    for (const pair of node.items) {
      const found = findCircle(pair.value, inside);
      if (found !== undefined) return found;
    }
  }
  if (isSeq(node)) {
    for (const item of node.items) {
      const found = findCircle(isPair(item) ? item.value : item, inside);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

/** Where the value (or key) at `path` starts; what cannot be found yields the last thing on the way that can. */
function offsetOf(document: Document.Parsed, path: KeyPath, what: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = start(node) ?? 0;
  for (const [index, key] of path.entries()) {
    const target = isAlias(node) ? node.resolve(document) : node;
    const step = child(target, key, document);
    if (step === undefined) return offset;
    const wantKey = what === 'key' && index === path.length - 1;
    // A value that is not written (`key:`) is best shown at its key; so is one that comes from an alias.
    offset = (wantKey ? start(step.key) : (start(step.value) ?? start(step.key))) ?? offset;
    node = step.value;
  }
  return offset;
}

interface Step {
  readonly key: unknown;
  readonly value: unknown;
}

function child(node: unknown, key: PropertyKey, document: Document.Parsed): Step | undefined {
  if (isSeq(node)) {
    const value = node.items[Number(key)];
    return value === undefined ? undefined : { key: value, value };
  }
  if (!isMap(node)) return undefined;
  const own = node.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
  if (own !== undefined) return { key: own.key, value: own.value };
  for (const pair of node.items) {
    if (!isScalar(pair.key) || pair.key.source !== '<<') continue;
    const merged = isSeq(pair.value) ? pair.value.items : [pair.value];
    for (const source of merged) {
      const found = child(isAlias(source) ? source.resolve(document) : source, key, document);
      if (found !== undefined) return found;
    }
  }
  return undefined;
}

function start(node: unknown): number | undefined {
  const range = (node as Node | null | undefined)?.range;
  return range?.[0];
}
