export { HARDENED } from './hardening.js';
export { SudoAccount, type SudoAccountProps } from './sudo-account.js';
