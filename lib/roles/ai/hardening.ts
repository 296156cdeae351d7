import type { UnitSections } from '../../constructs/host/index.js';
import { HARDENED } from '../../constructs/operations/index.js';

type ServiceSection = NonNullable<UnitSections['service']>;

/**
 * For a process that works on GPUs. Left out, and why: `PrivateDevices` hides the cards (the device policy lets in
 * theirs and no others); `MemoryDenyWriteExecute` forbids kernels that are compiled at run time; `ProcSubset=pid` hides
 * /proc/driver/nvidia; `PrivateUsers` because no one has tried the driver under it here; `@resources` stays allowed because
 * threads are bound to processors, and `pidfd_getfd` because GPUs share memory by it. What is taken beyond {@link HARDENED}:
 * shared memory that a server leaves behind (its account is its own), the system's bus, by which systemd and others take
 * orders (the whole directory, which stays when its socket is made again), and the calls that read and write another
 * process's memory: a second wall behind the accounts.
 */
export const GPU_HARDENING = {
  ...HARDENED,
  ProtectProc: 'invisible',
  PrivateDevices: false,
  DevicePolicy: 'closed',
  // By group and not by path: nvidia-uvm has another number at each boot, and cards come with more than one node.
  DeviceAllow: ['char-nvidia* rw'],
  MemoryDenyWriteExecute: false,
  RemoveIPC: true,
  RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  InaccessiblePaths: '-/run/dbus',
  SystemCallFilter: [
    '@system-service pidfd_getfd',
    '~@privileged @obsolete process_vm_readv process_vm_writev',
  ],
  SystemCallErrorNumber: 'EPERM',
} as const satisfies ServiceSection;

/** Nothing but this machine: what a model's code would send elsewhere is dropped. */
export const LOOPBACK_ONLY = {
  IPAddressDeny: 'any',
  IPAddressAllow: 'localhost',
} as const satisfies ServiceSection;
