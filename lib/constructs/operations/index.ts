export { CurlLogin, type CurlLoginProps } from './curl-login.js';
export { DriftWatch, type DriftWatchProps } from './drift-watch.js';
export { HARDENED } from './hardening.js';
export { OperatorAccess, type OperatorAccessProps } from './operator-access.js';
export { LogRotation, type LogRotationProps } from './log-rotation.js';
export { SudoAccount, type SudoAccountProps } from './sudo-account.js';
export { TemplateTree, type TemplateTreeProps } from './template-tree.js';
