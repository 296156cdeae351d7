export { CurlLogin, type CurlLoginProps } from './curl-login.js';
export { LogRotation, type LogRotationProps } from './log-rotation.js';
export { OperatorAccess, type OperatorAccessProps } from './operator-access.js';
export { SudoAccount, type SudoAccountProps } from './sudo-account.js';
