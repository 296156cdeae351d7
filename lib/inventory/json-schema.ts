import { z } from 'zod';
import { inventorySchema } from './schema/inventory.js';
import { targetsFileSchema } from './schema/reach.js';
import type { JsonSchema } from './json-schema-lookup.js';

/**
 * JSON Schema (2020-12) of an inventory file, for editors: completion, hover texts and checks while typing.
 * The committed copy is `stacks/inventory/inventory.schema.json`; `npm run schema:inventory` writes it.
 */
export function inventoryJsonSchema(): JsonSchema {
  return { ...toJsonSchema(inventorySchema), title: 'Citadel IaC inventory' } as JsonSchema;
}

/** JSON Schema of the targets file (`.citadel/lab.json`). */
export function targetsJsonSchema(): JsonSchema {
  return toJsonSchema(targetsFileSchema);
}

/** As it is written to the committed file: two spaces, one newline at the end. */
export function inventoryJsonSchemaText(): string {
  return `${JSON.stringify(inventoryJsonSchema(), null, 2)}\n`;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
}
