import type { AiInventory } from './schema/ai.js';
import type { BackupInventory } from './schema/backup.js';
import type { Slo } from './schema/slo.js';

declare module '../../inventory/role-keys.js' {
  interface RoleHostKeys {
    ai?: AiInventory | undefined;
    backup?: BackupInventory | undefined;
  }
  interface RoleSiteKeys {
    slo: Slo;
  }
}
