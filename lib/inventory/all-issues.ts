import type { z } from 'zod';

/**
 * Everything that is wrong with `value`. Zod stops at a bad key of a record and does not look at the value below
 * it; a person who is told of one thing at a time fixes one thing at a time.
 */
export function allIssues(
  schema: z.core.$ZodType,
  value: unknown,
  path: PropertyKey[] = [],
): z.core.$ZodIssue[] {
  const parsed = (schema as z.ZodType).safeParse(value);
  if (parsed.success) return [];
  return parsed.error.issues.flatMap((issue) => {
    const here = { ...issue, path: [...path, ...issue.path] };
    if (issue.code !== 'invalid_key') return [here];
    const below = schemaAt(schema, issue.path);
    return below === undefined ? [here] : [here, ...allIssues(below, valueAt(value, issue.path), here.path)];
  });
}

/** The member of `root` at `path`, or `undefined`. */
export function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function schemaAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of path) at = at === undefined ? undefined : member((at as z.core.$ZodTypes)._zod.def, key);
  return at;
}

function member(def: z.core.$ZodTypes['_zod']['def'], key: PropertyKey): z.core.$ZodType | undefined {
  switch (def.type) {
    case 'optional':
    case 'default':
    case 'prefault':
      return member((def.innerType as z.core.$ZodTypes)._zod.def, key);
    case 'object':
      return def.shape[String(key)];
    case 'record':
      return def.valueType;
    case 'array':
      return def.element;
    default:
      return undefined;
  }
}
