import type { HostName } from '../layout.js';

/** Debian packages every host has before anything is deployed: what a person's minimal installation would have. */
const COMMON = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'openssh-server',
  'sudo',
  'cron',
  'logrotate',
  'python3',
  'nftables',
  'curl',
  'jq',
  'iproute2',
  'iputils-ping',
  'netcat-openbsd',
  'e2fsprogs',
  'procps',
  'util-linux',
  'zstd',
  'tar',
  'less',
  'bash-completion',
  'ca-certificates',
  'prometheus-node-exporter',
];

const BY_ROLE: Readonly<Record<HostName, readonly string[]>> = {
  'ai-node': [
    'htop',
    'iotop',
    'net-tools',
    'smartmontools',
    'python3-venv',
    'python3-pip',
    'python3-prometheus-client',
    'python3-psutil',
    'python3-requests',
    'python3-rich',
    'python3-yaml',
  ],
  'dev-ops': ['prometheus', 'prometheus-alertmanager', 'prometheus-blackbox-exporter'],
};

/** Installed on a host of this role, sorted. */
export function packagesOf(role: HostName): string[] {
  return [...COMMON, ...BY_ROLE[role]].sort();
}

/**
 * Not installed, but installable on a host without any network: `apt-get install tree` works, as does installing again
 * any package of the base that was removed.
 */
export const INSTALLABLE: readonly string[] = ['hello', 'tree'];

/** Services that Debian starts at installation. They are stopped and disabled: deploying is what enables them. */
export const DISABLED: readonly string[] = [
  'nftables.service',
  'prometheus.service',
  'prometheus-alertmanager.service',
  'prometheus-blackbox-exporter.service',
  'prometheus-node-exporter.service',
  'smartmontools.service',
  'smartd.service',
];

/** Noise of a machine that lives for minutes. */
export const MASKED: readonly string[] = [
  'apt-daily.timer',
  'apt-daily-upgrade.timer',
  'console-getty.service',
  'dpkg-db-backup.timer',
  'e2scrub_all.timer',
  'e2scrub_reap.service',
  'fstrim.timer',
  'getty.target',
  'man-db.timer',
];
