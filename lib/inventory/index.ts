export { inventorySchemasOf } from './collect-schema.js';
export { formatPath } from './describe-issue.js';
export { DEFAULT_INVENTORY, type Inventory, type InventorySource } from './inventory.js';
export { hostFileJsonSchemaText, inventoryJsonSchema, inventoryJsonSchemaText } from './json-schema.js';
export {
  inventoryFile,
  loadInventory,
  loadWritten,
  type LoadedInventory,
  type LoadEnvironment,
} from './load.js';
export { originsOf, type Origin } from './origins.js';
export { ownPlace, type OwnPlace } from './own-place.js';
export { parseInventory, parseTargets } from './parse.js';
export { displayPath, readInventoryTexts } from './read-texts.js';
export { RESERVED_GROUPS } from './groups.js';
export { isRange, rangeNames } from './host-range.js';
export { isMap, type RawMap, type Source } from './raw.js';
export { ownKey, ROLE_API_VERSION, type InventoryRole, type NamedFile, type RawHost } from './role.js';
export type { RoleHostKeys, RoleSiteKeys } from './role-keys.js';
export { unknownHost } from './rules.js';
export { cronProblem, cronSchedule } from './schema/cron-schedule.js';
export type { HostInventory, InventoryDocument } from './schema/inventory.js';
export { accountSchema, tcpPort, type SshReach, type TargetsFile } from './schema/reach.js';
export type { MountInventory } from './schema/storage.js';
export type { Thresholds } from './schema/thresholds.js';
export { targetOf } from './target-of.js';
export { readYaml, type YamlSource } from './yaml-source.js';
export { setScalar, type Scalar } from './yaml-edit.js';
