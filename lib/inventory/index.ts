export { DEFAULT_INVENTORY, type Inventory, type InventorySource } from './inventory.js';
export { inventoryJsonSchema, inventoryJsonSchemaText } from './json-schema.js';
export { inventoryFile, loadInventory, readInventoryText, type LoadEnvironment } from './load.js';
export { parseInventory, parseTargets } from './parse.js';
export { unknownHost } from './rules.js';
export type { AiInventory, ModelServiceInventory } from './schema/ai.js';
export type { BackupInventory } from './schema/backup.js';
export { cronProblem } from './schema/cron-schedule.js';
export type { HostInventory, InventoryDocument } from './schema/inventory.js';
export type { ModelFlagsInventory } from './schema/model-flags.js';
export {
  FIRST_TOKEN_BOUNDS_SEC,
  type MonitoringInventory,
  type Slo,
  type Thresholds,
} from './schema/monitoring.js';
export type { SshReach, TargetsFile } from './schema/reach.js';
export type { MountInventory } from './schema/storage.js';
export { suggest } from './suggest.js';
export { targetOf } from './target-of.js';
export { setScalar, type Scalar } from './yaml-edit.js';
