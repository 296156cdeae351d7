import type { GatewayInventory } from './schema.js';

declare module '../../inventory/role-keys.js' {
  interface RoleHostKeys {
    gateway?: GatewayInventory | undefined;
  }
}
