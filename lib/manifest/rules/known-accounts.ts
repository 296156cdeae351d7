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
  chrony: { users: ['_chrony'] },
  cron: { groups: ['crontab'] },
  dbus: { users: ['messagebus'] },
  'docker.io': { groups: ['docker'] },
  grafana: { users: ['grafana'] },
  'openssh-client': { groups: ['_ssh'] },
  'openssh-server': { users: ['sshd'], groups: [] },
  prometheus: { users: ['prometheus'] },
  'prometheus-alertmanager': { users: ['prometheus'] },
  'prometheus-blackbox-exporter': { users: ['prometheus'] },
  'prometheus-node-exporter': { users: ['prometheus'] },
  'prometheus-pushgateway': { users: ['prometheus'] },
  'ssl-cert': { groups: ['ssl-cert'] },
};
