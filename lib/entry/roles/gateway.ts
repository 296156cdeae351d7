/**
 * Gateways: one address for models that several AI nodes serve.
 *
 * @module citadel-iac/roles/gateway
 */
export { gateway } from '../../roles/gateway/role.js';
export * from '../../roles/gateway/index.js';
