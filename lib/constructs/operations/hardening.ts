import type { UnitSections } from '../host/index.js';

/**
 * What no service of ours needs, taken from it: the base of every `[Service]` section, to be spread and then widened where
 * a program needs more. As it stands, a program may read the system, write what systemd makes for it, and talk over local
 * sockets (`systemd-analyze security`: 1.0 to 1.5).
 */
export const HARDENED = {
  NoNewPrivileges: true,
  CapabilityBoundingSet: '',
  ProtectSystem: 'strict',
  ProtectHome: true,
  PrivateTmp: true,
  PrivateDevices: true,
  ProtectClock: true,
  ProtectControlGroups: true,
  ProtectKernelLogs: true,
  ProtectKernelModules: true,
  ProtectKernelTunables: true,
  ProtectHostname: true,
  LockPersonality: true,
  MemoryDenyWriteExecute: true,
  RestrictNamespaces: true,
  RestrictRealtime: true,
  RestrictSUIDSGID: true,
  RestrictAddressFamilies: 'AF_UNIX',
  SystemCallArchitectures: 'native',
  SystemCallFilter: '@system-service',
  UMask: '0027',
} as const satisfies UnitSections['service'];
