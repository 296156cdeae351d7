import type { z } from 'zod';
import { CitadelError, sortProblems, type Problem } from '../manifest/index.js';
import { allIssues } from './all-issues.js';
import { describeIssues } from './describe-issue.js';
import { inventoryJsonSchema, targetsJsonSchema } from './json-schema.js';
import { crossCheck } from './rules.js';
import { inventorySchemaOf } from './collect-schema.js';
import type { InventoryRole } from './role.js';
import type { InventoryDocument } from './schema/inventory.js';
import { targetsFileSchema, type TargetsFile } from './schema/reach.js';
import { readYaml } from './yaml-source.js';

/**
 * The text of an inventory file as data, with defaults filled in.
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
  const schema = inventorySchemaOf(roles);
  const source = readYaml(text, fileName);
  if (Array.isArray(source)) throw new CitadelError(inOrder(source));
  const value = source.value === null ? {} : source.value;
  const parsed = schema.safeParse(value);
  const described = parsed.success
    ? []
    : describeIssues(allIssues(schema, value), {
        source,
        schema: inventoryJsonSchema(roles),
        prefix: 'inventory',
      });
  return finish(parsed, [...described, ...crossCheck(source, roles)]);
}

/**
 * The text of a targets file (JSON, which YAML contains).
 *
 * @throws CitadelError with every problem of the text
 */
export function parseTargets(text: string, fileName: string): TargetsFile {
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
  return finish(parsed, described);
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
