import { z } from 'zod';
import { inventorySchemaOf } from './collect-schema.js';
import type { InventoryRole } from './role.js';
import { targetsFileSchema } from './schema/reach.js';
import type { JsonSchema } from './json-schema-lookup.js';

/**
 * JSON Schema (2020-12) of an inventory file, for editors: completion, hover texts and checks while typing.
 * The committed copy is `stacks/inventory/inventory.schema.json`; `npm run schema:inventory` writes it.
 */
export function inventoryJsonSchema(roles: readonly InventoryRole[]): JsonSchema {
  return { ...toJsonSchema(inventorySchemaOf(roles)), title: 'Citadel IaC inventory' } as JsonSchema;
}

/** JSON Schema of the targets file (`.citadel/lab.json`). */
export function targetsJsonSchema(): JsonSchema {
  return toJsonSchema(targetsFileSchema);
}

/** As it is written to the committed file: two spaces, one newline at the end. */
export function inventoryJsonSchemaText(roles: readonly InventoryRole[]): string {
  return `${JSON.stringify(inventoryJsonSchema(roles), null, 2)}\n`;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}
