/**
 * Prometheus, Alertmanager, Grafana.
 *
 * @module citadel-iac/roles/monitoring
 */
export { monitoring } from '../../roles/monitoring/role.js';
export * from '../../roles/monitoring/index.js';
