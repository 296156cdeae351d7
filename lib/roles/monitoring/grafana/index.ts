export { GrafanaServer, IMPORT_USER, type GrafanaServerProps, type GrafanaSource } from './grafana-server.js';
export type { DataSource } from './provisioning.js';
export type { GrafanaAccess } from './access.js';
