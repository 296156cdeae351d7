export { HARDENED } from './hardening.js';
export { TemplateTree, type TemplateTreeProps } from './template-tree.js';
