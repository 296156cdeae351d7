/** What stacks are built from. */
export * from './host/index.js';
export * from './debian/index.js';
export { secret, secretsIn, SecretRef } from './secret.js';
export { Duration, Size } from './units.js';
export { environment, exec, specifier, unitText, variable, words } from '../render/index.js';
