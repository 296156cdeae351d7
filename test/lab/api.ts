import { Lab } from './lab.js';
import { LabError } from './process.js';
import { obstacle } from './prerequisites.js';

/** What tests and scripts use of the lab. */
export { Lab, type InventoryEntry, type LabStatus, type UpOptions } from './lab.js';
export { LabHost, type HostExecOptions, type HostStatus } from './host.js';
export { Operator } from './operator.js';
export type { Endpoint, FilledDisk, ProxyOptions, ProxyStats, TcpProxy } from './faults.js';
export {
  HOST_NAMES,
  HOSTS,
  ADDRESSES,
  IPV6_SUFFIX,
  smallHosts,
  specOf,
  type HostName,
  type SmallHost,
} from './layout.js';
export { LabError, waitFor, type Finished, type RunOptions } from './process.js';

export type LabGate =
  { readonly available: true; readonly lab: Lab } | { readonly available: false; readonly reason: string };

/**
 * Whether real hosts can be had here. Not: the reason, for a skipped test to say; or an error where the environment
 * says `CITADEL_LAB=required`. Starts nothing.
 */
export function requireLab(): LabGate {
  const reason = obstacle();
  if (reason === undefined) return { available: true, lab: Lab.named() };
  if (process.env['CITADEL_LAB'] === 'required') {
    throw new LabError(`CITADEL_LAB=required, but ${reason}.`, 'Run as root on Linux, or unset it.');
  }
  return { available: false, reason };
}
