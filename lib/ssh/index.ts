/**
 * SSH to one machine: pinned host keys, agent or key file, jump hosts, commands with streams, deadlines everywhere; by the
 * built-in client or by the system's OpenSSH. Knows nothing of the rest of the product.
 */
export { connect } from './client.js';
export { sshByHand, UNCONFIGURED } from './by-hand.js';
export {
  formatParty,
  type OfferedHostKey,
  SshError,
  type SshErrorKind,
  type SshFault,
  type SshParty,
  type SshStep,
} from './errors.js';
export { isPinned } from './host-key.js';
export { newHostKey, type NewHostKey } from './new-host-key.js';
export { SshPool } from './pool.js';
export { publicKeyOf } from './public-key.js';
export { scanHostKeys } from './scan.js';
export { Tail } from './tail.js';
export type {
  ConnectOptions,
  ExecOptions,
  ExecResult,
  Person,
  SshAuth,
  SshConnection,
  SshEndpoint,
} from './types.js';
