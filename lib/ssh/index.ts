/**
 * SSH to one machine: pinned host keys, agent or key file, one jump host, commands with streams, deadlines everywhere.
 * Knows nothing of the rest of the product.
 */
export { connect } from './connect.js';
export {
  formatParty,
  type OfferedHostKey,
  SshError,
  type SshErrorKind,
  type SshFault,
  type SshParty,
  type SshStep,
} from './errors.js';
export { publicKeyOf } from './public-key.js';
export { quoteShellWord } from './quote.js';
export { scanHostKeys } from './scan.js';
export { Tail } from './tail.js';
export type {
  ConnectOptions,
  ExecOptions,
  ExecResult,
  SshAuth,
  SshConnection,
  SshEndpoint,
} from './types.js';
