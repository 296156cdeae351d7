import { writeFileSync } from 'node:fs';
import { hostFileJsonSchemaText, inventoryJsonSchemaText } from '../lib/inventory/index.js';
import { roles } from '../stacks/app.js';

/** Writes the JSON Schema that the inventory files refer to; a test says when that is due. */
writeFileSync(
  new URL('../stacks/inventory/inventory.schema.json', import.meta.url),
  inventoryJsonSchemaText(roles),
);
writeFileSync(new URL('../stacks/inventory/host.schema.json', import.meta.url), hostFileJsonSchemaText());
