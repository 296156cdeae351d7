/**
 * What a site and its constructs and roles are written with.
 *
 * @module citadel-iac
 */
export * from '../constructs/index.js';
export * from '../constructs/monitoring/rules/index.js';
export { NodeExporter, type NodeExporterProps } from '../constructs/monitoring/node-exporter.js';
export { ownKey, type Inventory } from '../inventory/index.js';
export { CitadelError, type HostManifest, type Problem } from '../manifest/index.js';
export * from '../site/index.js';
