/**
 * Accounts that a manifest may name without creating them.
 *
 * Every Debian and Ubuntu host has those of base-passwd (`/usr/share/base-passwd/{passwd,group}.master`, the same in
 * Debian 12 and 13) and those that systemd's packages make at install. The accounts of other packages come with the package
 * (its install script creates them), so they may be named when the manifest installs it. Anything else belongs into `users`,
 * `groups` or `assumedAccounts`.
 */
export const ALWAYS_USERS: readonly string[] = [
  'root', 'daemon', 'bin', 'sys', 'sync', 'games', 'man', 'lp', 'mail', 'news', 'uucp', 'proxy', 'www-data', 'backup',
  'list', 'irc', '_apt', 'nobody', 'systemd-network',
]; // prettier-ignore

export const ALWAYS_GROUPS: readonly string[] = [
  'root', 'daemon', 'bin', 'sys', 'adm', 'tty', 'disk', 'lp', 'mail', 'news', 'uucp', 'man', 'proxy', 'kmem', 'dialout',
  'fax', 'voice', 'cdrom', 'floppy', 'tape', 'sudo', 'audio', 'dip', 'www-data', 'backup', 'operator', 'list', 'irc', 'src',
  'shadow', 'utmp', 'video', 'sasl', 'plugdev', 'staff', 'games', 'users', 'nogroup', 'input', 'kvm', 'render',
  'systemd-journal', 'systemd-network',
]; // prettier-ignore

/** Accounts that a package's install script creates; absent `groups` means one group of the same name per user. */
export const PACKAGE_ACCOUNTS: Readonly<
  Record<string, { readonly users?: readonly string[]; readonly groups?: readonly string[] }>
> = {
  'avahi-daemon': { users: ['avahi'], groups: ['avahi', 'netdev'] },
  bind9: { users: ['bind'] },
  chrony: { users: ['_chrony'] },
  cron: { groups: ['crontab'] },
  dbus: { users: ['messagebus'] },
  dnsmasq: { users: ['dnsmasq'], groups: [] },
  'docker-ce': { groups: ['docker'] },
  'docker.io': { groups: ['docker'] },
  'dovecot-core': { users: ['dovecot', 'dovenull'] },
  'exim4-base': { users: ['Debian-exim'] },
  'exim4-daemon-heavy': { users: ['Debian-exim'] },
  'exim4-daemon-light': { users: ['Debian-exim'] },
  fwupd: { users: ['fwupd-refresh'] },
  grafana: { users: ['grafana'] },
  haproxy: { users: ['haproxy'] },
  knot: { users: ['knot'] },
  'libvirt-daemon-system': {
    users: ['libvirt-qemu', 'libvirt-dnsmasq'],
    groups: ['libvirt', 'libvirt-qemu', 'libvirt-dnsmasq'],
  },
  'mariadb-server': { users: ['mysql'] },
  memcached: { users: ['memcache'] },
  mosquitto: { users: ['mosquitto'] },
  'mysql-server': { users: ['mysql'] },
  'nfs-common': { users: ['statd'], groups: [] },
  ntpsec: { users: ['ntpsec'] },
  'openssh-client': { groups: ['_ssh'] },
  'openssh-server': { users: ['sshd'], groups: [] },
  opendkim: { users: ['opendkim'] },
  postfix: { users: ['postfix'], groups: ['postfix', 'postdrop'] },
  postgresql: { users: ['postgres'], groups: ['postgres', 'ssl-cert'] },
  'postgresql-15': { users: ['postgres'], groups: ['postgres', 'ssl-cert'] },
  'postgresql-17': { users: ['postgres'], groups: ['postgres', 'ssl-cert'] },
  'postgresql-common': { users: ['postgres'], groups: ['postgres', 'ssl-cert'] },
  prometheus: { users: ['prometheus'] },
  'prometheus-alertmanager': { users: ['prometheus'] },
  'prometheus-blackbox-exporter': { users: ['prometheus'] },
  'prometheus-node-exporter': { users: ['prometheus'] },
  'prometheus-postgres-exporter': { users: ['prometheus'] },
  'prometheus-pushgateway': { users: ['prometheus'] },
  'rabbitmq-server': { users: ['rabbitmq'] },
  'redis-server': { users: ['redis'] },
  rpcbind: { users: ['_rpc'], groups: [] },
  snmpd: { users: ['Debian-snmp'] },
  'ssl-cert': { groups: ['ssl-cert'] },
  sssd: { users: ['sssd'] },
  'systemd-resolved': { users: ['systemd-resolve'] },
  'systemd-timesyncd': { users: ['systemd-timesync'] },
  tcpdump: { users: ['tcpdump'] },
  tor: { users: ['debian-tor'] },
  unbound: { users: ['unbound'] },
  uuidd: { users: ['uuidd'] },
  varnish: { users: ['varnish', 'vcache', 'varnishlog'] },
};
