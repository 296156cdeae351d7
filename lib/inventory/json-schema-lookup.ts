import type { KeyPath } from './yaml-source.js';

/** The part of a JSON Schema that messages are made from. */
export interface JsonSchema {
  readonly $schema?: string;
  /** To one of the root's `$defs`. */
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, JsonSchema>>;
  readonly type?: string;
  readonly title?: string;
  readonly description?: string;
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly propertyNames?: JsonSchema;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly additionalProperties?: JsonSchema | boolean;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
}

/** The keys that may stand in the map at `path`, sorted. */
export function knownKeys(schema: JsonSchema, path: KeyPath): string[] {
  const keys = lookUp(schema, path).flatMap((found) => Object.keys(found.properties ?? {}));
  return [...new Set(keys)].sort();
}

/** What the value at `path` means, in the schema's words, without a full stop; of the nearest parent that says so for list items. */
export function meaningOf(schema: JsonSchema, path: KeyPath): string | undefined {
  const own = lookUp(schema, path).find((found) => found.description !== undefined)?.description;
  if (own !== undefined) return own;
  return typeof path.at(-1) === 'number' ? meaningOf(schema, path.slice(0, -1)) : undefined;
}

function lookUp(schema: JsonSchema, path: KeyPath): JsonSchema[] {
  let found = alternatives(schema, schema);
  for (const key of path) found = found.flatMap((parent) => alternatives(child(parent, key), schema));
  return found;
}

function child(schema: JsonSchema, key: PropertyKey): JsonSchema | undefined {
  if (typeof key === 'number') return schema.items;
  const name = String(key);
  if (schema.properties !== undefined && Object.hasOwn(schema.properties, name))
    return schema.properties[name];
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : undefined;
}

function alternatives(schema: JsonSchema | undefined, root: JsonSchema): JsonSchema[] {
  if (schema === undefined) return [];
  const name = /^#\/\$defs\/(\w+)$/.exec(schema.$ref ?? '')?.[1];
  const named = name === undefined ? undefined : root.$defs?.[name];
  return [
    schema,
    ...alternatives(named, root),
    ...(schema.anyOf ?? []).flatMap((each) => alternatives(each, root)),
  ];
}
