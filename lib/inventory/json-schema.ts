import { z } from 'zod';
import { inventorySchemasOf } from './collect-schema.js';
import type { InventoryRole } from './role.js';
import { targetsFileSchema } from './schema/reach.js';
import type { JsonSchema } from './json-schema-lookup.js';

/** Made once for the roles of a site. */
const made = new WeakMap<readonly InventoryRole[], JsonSchema>();

/**
 * JSON Schema (2020-12) of an inventory file, for editors: completion, hover texts and checks while typing. A key that a host
 * must have may come from a group or the defaults, so none is required of a host here.
 * The committed copy is `stacks/inventory/inventory.schema.json`; `npm run schema:inventory` writes it.
 */
export function inventoryJsonSchema(roles: readonly InventoryRole[]): JsonSchema {
  const known = made.get(roles);
  if (known !== undefined) return known;
  const {
    required: _,
    properties: { hosts, ...site } = {},
    ...whole
  } = toJsonSchema(inventorySchemasOf(roles).document);
  const { propertyNames: _names, additionalProperties: strict, ...described } = hosts ?? {};
  const host = partial(typeof strict === 'object' ? strict : {});
  const schema: JsonSchema = {
    ...whole,
    title: 'Citadel IaC inventory',
    properties: {
      hosts: { ...described, propertyNames: { pattern: HOST_KEY }, additionalProperties: { $ref: HOST } },
      groups: {
        type: 'object',
        description:
          'Settings of the hosts that name the group, by its name; a group may be in groups itself',
        additionalProperties: { anyOf: [{ $ref: HOST }, { type: 'null' }] },
      },
      defaults: { $ref: HOST, description: 'Settings of every host that neither it nor a group of it says' },
      ...site,
    },
    $defs: {
      host: { ...host, properties: { ...host.properties, address: withRange(host.properties?.['address']) } },
    },
  };
  made.set(roles, schema);
  return schema;
}

/** Of the file of a single host or group (`hosts/NAME.yaml`), next to that of inventories. */
export function hostFileJsonSchemaText(): string {
  return asText({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'One host or group of a Citadel IaC inventory',
    $ref: `inventory.schema.json${HOST}`,
  });
}

/** JSON Schema of the targets file (`.citadel/lab.json`). */
export function targetsJsonSchema(): JsonSchema {
  return toJsonSchema(targetsFileSchema);
}

/** As it is written to the committed file: two spaces, one newline at the end. */
export function inventoryJsonSchemaText(roles: readonly InventoryRole[]): string {
  return asText(inventoryJsonSchema(roles));
}

const HOST = '#/$defs/host';
/** A host's name, or a range of them. */
const HOST_KEY = '^[a-z0-9[]([a-z0-9:[\\]-]*[a-z0-9\\]])?$';

/** Without what must be there. An item of a list is written in one place, and stays whole. */
function partial({ required: _, ...schema }: JsonSchema): JsonSchema {
  const { properties, additionalProperties, anyOf } = schema;
  const all = Object.entries(properties ?? {}).map(([key, value]) => [key, partial(value)]);
  return {
    ...schema,
    ...(properties !== undefined && { properties: Object.fromEntries(all) as Record<string, JsonSchema> }),
    ...(typeof additionalProperties === 'object' && { additionalProperties: partial(additionalProperties) }),
    ...(anyOf !== undefined && { anyOf: anyOf.map(partial) }),
  };
}

/** The hosts of a range have a range of addresses. */
function withRange({ pattern: _, ...address }: JsonSchema = {}): JsonSchema {
  return { ...address, pattern: '^[A-Za-z0-9_.:%[\\]-]+$' };
}

function asText(schema: JsonSchema): string {
  return `${JSON.stringify(schema, null, 2)}\n`;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}
