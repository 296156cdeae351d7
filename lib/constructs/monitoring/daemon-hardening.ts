import type { UnitSections } from '../host/index.js';

/**
 * For daemons of Debian's monitoring packages whose units come without: they listen, read /etc, and write below
 * /var/lib/prometheus. Source: systemd.exec(5); `systemd-analyze security` rates Debian's own units 9.2.
 */
export const DAEMON_HARDENING = {
  NoNewPrivileges: true,
  CapabilityBoundingSet: '',
  AmbientCapabilities: '',
  ProtectSystem: 'strict',
  ProtectHome: true,
  PrivateTmp: true,
  PrivateDevices: true,
  ProtectClock: true,
  ProtectControlGroups: true,
  ProtectHostname: true,
  ProtectKernelLogs: true,
  ProtectKernelModules: true,
  ProtectKernelTunables: true,
  LockPersonality: true,
  MemoryDenyWriteExecute: true,
  RestrictNamespaces: true,
  RestrictRealtime: true,
  RestrictSUIDSGID: true,
  RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  SystemCallArchitectures: 'native',
  SystemCallFilter: '@system-service',
  UMask: '0027',
} as const satisfies UnitSections['service'];
