export { SudoAccount, type SudoAccountProps } from './sudo-account.js';
