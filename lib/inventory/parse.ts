import type { z } from 'zod';
import { CitadelError, sortProblems, type Problem } from '../manifest/index.js';
import { allIssues } from './all-issues.js';
import { assemble, type InventoryFile } from './assemble.js';
import { describeIssues } from './describe-issue.js';
import { inventoryJsonSchema, targetsJsonSchema } from './json-schema.js';
import { crossCheck } from './rules.js';
import { inventorySchemasOf } from './collect-schema.js';
import { layerIssues } from './layer-issues.js';
import { onceForAll } from './once-for-all.js';
import { isMap, type Source } from './raw.js';
import type { InventoryRole } from './role.js';
import type { InventoryDocument } from './schema/inventory.js';
import { targetsFileSchema, type TargetsFile } from './schema/reach.js';
import { sourceOf, type Written } from './written.js';
import { readYaml } from './yaml-source.js';

/**
 * The text of an inventory file as data, with groups and defaults given to hosts and the schema's own defaults filled in.
 *
 * @param roles whose keys may stand in it
 * @param fileName as it shall stand in messages, `citadel.yaml`
 * @throws CitadelError with every problem of the text, each as `citadel.yaml:12:5`
 */
export function parseInventory(
  roles: readonly InventoryRole[],
  text: string,
  fileName: string,
): InventoryDocument {
  return parseInventoryFiles(roles, [{ name: fileName, text }]).document;
}

/** The text of one file of an inventory. */
export interface InventoryText {
  /** As it shall stand in messages. */
  readonly name: string;
  readonly text: string;
  /** What it is about; absent: it is the file for all. */
  readonly of?: InventoryFile['of'];
}

/** An inventory, and where each of its values is written. */
export interface ParsedInventory {
  readonly document: InventoryDocument;
  readonly written: Written;
}

/**
 * The same for the texts of several files.
 *
 * @param texts the file for all first
 * @throws CitadelError with every problem of the texts
 */
export function parseInventoryFiles(
  roles: readonly InventoryRole[],
  texts: readonly InventoryText[],
): ParsedInventory {
  const read = texts.map(({ name, text, of }) => ({ name, of, source: readYaml(text, name) }));
  const unreadable = read.flatMap(({ source }) => (Array.isArray(source) ? source : []));
  if (unreadable.length > 0) throw new CitadelError(inOrder(unreadable));
  const files = read.flatMap(({ name, of, source }): InventoryFile[] =>
    Array.isArray(source) ? [] : [{ name, source, ...(of && { of }) }],
  );
  const [site, ...others] = files;
  if (site === undefined) throw new RangeError('an inventory has a file for all');
  const { written, groups, problems } = assemble(site, others);
  const source = sourceOf(written);
  const schemas = inventorySchemasOf(roles);
  const value = documentOf(source.value);
  const parsed = schemas.document.safeParse(value);
  const context = { source, schema: inventoryJsonSchema(roles), prefix: 'inventory' };
  const described = parsed.success ? [] : describeIssues(allIssues(schemas.document, value), context);
  const all = [
    ...problems,
    ...describeIssues(layerIssues(source.value, schemas.host), context),
    ...described,
    ...crossCheck(source, roles),
  ];
  const { hosts, ...document } = finish(parsed, onceForAll(all));
  return { document: { ...document, hosts, groups }, written };
}

/** What is left when hosts have been given what groups and defaults say. */
function documentOf(value: unknown): unknown {
  if (!isMap(value)) return value;
  const { defaults: _defaults, groups: _groups, ...document } = value;
  return document;
}

/**
 * The text of a targets file (JSON, which YAML contains).
 *
 * @throws CitadelError with every problem of the text
 */
export function parseTargets(text: string, fileName: string): TargetsFile {
  return parseTargetsFile(text, fileName).targets;
}

/** The same, with where it is written. @throws CitadelError with every problem of the text */
export function parseTargetsFile(text: string, fileName: string): { targets: TargetsFile; source: Source } {
  const source = readYaml(text, fileName);
  if (Array.isArray(source)) throw new CitadelError(inOrder(source));
  const parsed = targetsFileSchema.safeParse(source.value);
  const described = parsed.success
    ? []
    : describeIssues(parsed.error.issues, {
        source,
        schema: targetsJsonSchema(),
        prefix: 'inventory.targets',
      });
  return { targets: finish(parsed, described), source };
}

function finish<T>(parsed: z.ZodSafeParseResult<T>, problems: Problem[]): T {
  if (problems.length === 0 && parsed.success) return parsed.data;
  throw new CitadelError(inOrder(problems));
}

/** One problem once: two checks may see it. The more telling one, by the schema, comes first. */
function inOrder(problems: readonly Problem[]): Problem[] {
  const seen = new Map<string, Problem>();
  for (const problem of problems) {
    const key = JSON.stringify([
      problem.code,
      problem.path,
      problem.property,
      problem.property === undefined && problem.got,
    ]);
    if (!seen.has(key)) seen.set(key, problem);
  }
  return sortProblems([...seen.values()]);
}
