import type { z } from 'zod';
import type { Problem } from '../manifest/index.js';
import { suggest } from '../text/suggest.js';
import { valueAt } from './all-issues.js';
import { knownKeys, meaningOf, type JsonSchema } from './json-schema-lookup.js';
import type { KeyPath, YamlSource } from './yaml-source.js';

/** What {@link describeIssues} needs to know about where a value comes from. */
export interface IssueContext {
  readonly source: Pick<YamlSource, 'value' | 'locate' | 'locateKey'>;
  readonly schema: JsonSchema;
  /** Prefix of every code: `inventory` or `inventory.targets`. */
  readonly prefix: string;
}

/** Zod's findings as problems: where, what was found, what to do. Values below `secrets` are never repeated. */
export function describeIssues(issues: readonly z.core.$ZodIssue[], context: IssueContext): Problem[] {
  return issues.flatMap((issue) => describeIssue(issue, context));
}

function describeIssue(issue: z.core.$ZodIssue, context: IssueContext): Problem[] {
  const { source, schema, prefix } = context;
  const path = issue.path;
  const value = valueAt(source.value, path);
  const meaning = meaningOf(schema, path);
  const about = meaning === undefined ? 'Give a value that fits.' : `Wanted: ${meaning}.`;
  const shown = path[0] === 'secrets' ? 'the value' : show(value);
  const at = { path: source.locate(path), ...(path.length > 0 && { property: formatPath(path) }) };
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, [...path, key], context));
    case 'invalid_type':
      if (value === undefined) {
        const fix = meaning === undefined ? 'Add it.' : `Add it: ${meaning}.`;
        return [{ code: `${prefix}.missing`, ...at, got: 'is missing', fix }];
      }
      return [
        {
          code: `${prefix}.type`,
          ...at,
          got: `${scalar(value) ? `${shown} ` : ''}is ${kindOf(value)}, not ${EXPECTED[issue.expected] ?? `a ${issue.expected}`}`,
          fix: about,
        },
      ];
    case 'too_small':
    case 'too_big':
      return [{ code: `${prefix}.value`, ...at, got: `${shown} ${outOfRange(issue)}`, fix: about }];
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof value === 'string' && path[0] !== 'secrets' ? suggest(value, values) : undefined;
      const fix = near === undefined ? `Use one of: ${values.join(', ')}.` : `Did you mean "${near}"?`;
      return [{ code: `${prefix}.value`, ...at, got: `${shown} is not one of the known values`, fix }];
    }
    case 'invalid_key': {
      const key = String(path.at(-1));
      return issue.issues.map((inner) => ({
        code: `${prefix}.key`,
        path: source.locateKey(path),
        property: formatPath(path),
        got: `the key "${key}" ${inner.message}`,
        fix: 'Rename it.',
      }));
    }
    case 'invalid_union': {
      const meant = path[0] === 'secrets' ? undefined : branchOf(issue);
      if (meant !== undefined)
        return meant.flatMap((inner) => describeIssue({ ...inner, path: [...path, ...inner.path] }, context));
      return [union(issue, shown, at, about, context)];
    }
    case 'invalid_format':
    case 'custom':
      return [{ code: `${prefix}.value`, ...at, got: `${shown} ${wording(issue.message)}`, fix: about }];
    default:
      return [{ code: `${prefix}.value`, ...at, got: `${shown}: ${issue.message}`, fix: about }];
  }
}

function unknownKey(key: string, path: KeyPath, { source, schema, prefix }: IssueContext): Problem {
  const known = knownKeys(schema, path.slice(0, -1));
  const near = suggest(key, known);
  const fix =
    near === undefined ? `Remove it, or use one of: ${known.join(', ')}.` : `Did you mean "${near}"?`;
  return {
    code: `${prefix}.unknown-key`,
    path: source.locateKey(path),
    property: formatPath(path),
    got: `unknown key "${key}"`,
    fix,
  };
}

/** What is wrong with the value as the one kind (map, list) of the union that it is of; `undefined` when it could be several. */
function branchOf({ errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const [only, ...others] = errors.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  );
  return others.length === 0 && errors.length > 1 ? only : undefined;
}

/** A union's own list of all it could have been helps nobody: say what is wanted, and warn of secrets in clear. */
function union(
  issue: z.core.$ZodIssueInvalidUnion,
  shown: string,
  at: { path: string; property?: string },
  about: string,
  { prefix }: IssueContext,
): Problem {
  if (issue.path[0] === 'secrets') {
    return {
      code: `${prefix}.secret`,
      ...at,
      got: 'is not the source of a secret',
      fix: 'Name exactly one source: { env: VARIABLE }, { file: PATH }, { command: [program, argument…] } or { age: FILE }. A value itself never stands here.',
    };
  }
  return { code: `${prefix}.value`, ...at, got: `${shown} ${wording(issue.message)}`, fix: about };
}

const EXPECTED: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
};

function scalar(value: unknown): boolean {
  return typeof value !== 'object';
}

function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'a fraction';
  return 'a yes or no';
}

function outOfRange(issue: z.core.$ZodIssueTooSmall | z.core.$ZodIssueTooBig): string {
  const counted = issue.origin === 'array' ? ' entries' : issue.origin === 'string' ? ' characters' : '';
  if (issue.code === 'too_small') {
    if (counted !== '' && issue.minimum === 1) return 'is empty';
    return issue.inclusive === false
      ? `is not above ${issue.minimum}${counted}`
      : `is below ${issue.minimum}${counted}`;
  }
  return issue.inclusive === false
    ? `is not below ${issue.maximum}${counted}`
    : `is above ${issue.maximum}${counted}`;
}

/** Our own messages continue the sentence ("is not …"); zod's start one of their own. */
function wording(message: string): string {
  return /^(is|has|names|needs|contains) /.test(message)
    ? message
    : `does not fit (${message.toLowerCase()})`;
}

function show(value: unknown): string {
  if (value === undefined) return 'it';
  if (Array.isArray(value)) return 'the list';
  if (typeof value === 'object' && value !== null) return 'the map';
  const text = JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…"` : text;
}

/** `hosts.ai-node.mounts["/mnt/x"].options[0]` */
export function formatPath(path: KeyPath): string {
  return path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key}]`;
      const name = String(key);
      if (!/^[A-Za-z_][A-Za-z0-9_-]*$/.test(name)) return `[${JSON.stringify(name)}]`;
      return index === 0 ? name : `.${name}`;
    })
    .join('');
}
