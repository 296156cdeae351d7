/**
 * AI nodes: vLLM models, GPUs, backups.
 *
 * @module citadel-iac/roles/ai
 */
export { ai } from '../../roles/ai/role.js';
export * from '../../roles/ai/index.js';
