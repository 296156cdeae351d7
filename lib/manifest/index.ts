export * from './canonical.js';
export * from './expand.js';
export * from './own-keys.js';
export * from './problem.js';
export * from './schema.js';
export * from './target.js';
export * from './validate.js';
export * from './json-schema.js';
