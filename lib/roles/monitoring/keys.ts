import type { MonitoringInventory } from './schema/monitoring.js';

declare module '../../inventory/role-keys.js' {
  interface RoleHostKeys {
    monitoring?: MonitoringInventory | undefined;
  }
}
