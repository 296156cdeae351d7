export { bindHostByExec, type ExecOptions } from './bind-host-by-exec.js';
