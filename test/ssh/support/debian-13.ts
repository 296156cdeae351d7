import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The lab's base of Debian 13, below everything of this machine that sshd needs; what it writes there is gone with it. */
const IN_BASE = `set -e
root=/mnt/root
mount -t tmpfs tmpfs /mnt
mkdir /mnt/above /mnt/work "$root"
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/above,workdir=/mnt/work" overlay "$root"
for folder in /dev /proc /tmp; do mount --rbind "$folder" "$root$folder"; done
mkdir -p "$root/run/sshd"
shift
exec chroot "$root" /usr/sbin/sshd "$@"`;

/** Starts Debian 13's sshd in a root of its own, where the lab has built one; otherwise why there is none. */
export function debian13Sshd(): readonly string[] | string {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'citadel-iac/lab');
  const base = existsSync(cache)
    ? readdirSync(cache).find((name) => /^trixie-[0-9a-f]+$/.test(name))
    : undefined;
  if (base === undefined) return `no base of Debian 13 in ${cache}: "npm run lab -- up" builds it`;
  return ['unshare', '--mount', 'sh', '-c', IN_BASE, 'debian-13', join(cache, base)];
}
