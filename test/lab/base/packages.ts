/** Debian packages every host has before anything is deployed: a person's minimal installation, and what tests type. */
export const INSTALLED: readonly string[] = [
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
  'tar',
  'less',
  'ca-certificates',
].sort();

/**
 * Not installed, but installable on a host without any network, as is any package of the base that was removed: `tree`
 * and `hello` for tests, and all that the example's hosts and a general one ask for.
 */
export const INSTALLABLE: readonly string[] = [
  'hello',
  'tree',
  // Operators' tools.
  'bash-completion',
  'htop',
  'iotop',
  'lsof',
  'net-tools',
  'nvme-cli',
  'psmisc',
  'smartmontools',
  'zstd',
  // What vLLM compiles with.
  'g++',
  'gcc',
  'libc6-dev',
  'libnuma1',
  'ninja-build',
  'python3-dev',
  // What programs of the AI node need.
  'polkitd',
  'python3-pip',
  'python3-prometheus-client',
  'python3-psutil',
  'python3-requests',
  'python3-rich',
  'python3-venv',
  'python3-yaml',
  // The LAN side of models, and gateways.
  'haproxy',
  'keepalived',
  // A general host.
  'chrony',
  'locales',
  'nginx',
  'podman',
  'systemd-journal-remote',
  'unattended-upgrades',
  'wireguard-tools',
  // What Debian's cloud image starts a machine with.
  'cloud-init',
  // What is kept off-site.
  'restic',
  'sqlite3',
  // Monitoring.
  'prometheus',
  'prometheus-alertmanager',
  'prometheus-blackbox-exporter',
  'prometheus-node-exporter',
].sort();

/** As above, in the releases that have them: Debian 13 has promtool and amtool in packages of their own, each its PostgreSQL. */
export const INSTALLABLE_SOMEWHERE: readonly string[] = [
  'amtool',
  'postgresql-15',
  'postgresql-17',
  'promtool',
];

/** Services that Debian starts at installation. They are stopped and disabled: deploying is what enables them. */
export const DISABLED: readonly string[] = ['nftables.service'];

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
