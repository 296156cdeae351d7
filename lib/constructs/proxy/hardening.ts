import type { UnitSections } from '../host/index.js';
import { HARDENED } from '../operations/index.js';

/** For a program that talks to the network and to models, and runs no others. */
export const PROXY_HARDENING = {
  ...HARDENED,
  ProtectProc: 'invisible',
  ProcSubset: 'pid',
  PrivateUsers: true,
  RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6',
  // Threads are bound to processors.
  SystemCallFilter: ['@system-service', '~@privileged @obsolete'],
  SystemCallErrorNumber: 'EPERM',
  UMask: '0077',
} as const satisfies NonNullable<UnitSections['service']>;
