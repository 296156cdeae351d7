export * from './canonical.js';
export * from './problem.js';
export * from './schema.js';
export * from './target.js';
