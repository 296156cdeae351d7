import * as inventory from '../../lib/inventory/index.js';
import { roles } from '../../stacks/app.js';

/** The inventory room for this project's own site: with the keys of its roles. */
type Rest<F> = F extends (roles: never, ...rest: infer R) => infer T ? (...rest: R) => T : never;

export const loadInventory: Rest<typeof inventory.loadInventory> = (...rest) =>
  inventory.loadInventory(roles, ...rest);
export const parseInventory: Rest<typeof inventory.parseInventory> = (...rest) =>
  inventory.parseInventory(roles, ...rest);
export const inventoryJsonSchema = () => inventory.inventoryJsonSchema(roles);
export const inventoryJsonSchemaText = () => inventory.inventoryJsonSchemaText(roles);
