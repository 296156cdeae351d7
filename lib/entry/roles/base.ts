/**
 * What every host has.
 *
 * @module citadel-iac/roles/base
 */
export { base } from '../../roles/base/role.js';
