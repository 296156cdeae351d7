import { existsSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** A lab's base, below everything of this machine that sshd needs; what it writes there is gone with it. */
const IN_BASE = `set -e
root=/mnt/root
mount -t tmpfs tmpfs /mnt
mkdir /mnt/above /mnt/work "$root"
mount -t overlay -o "lowerdir=$1,upperdir=/mnt/above,workdir=/mnt/work" overlay "$root"
for folder in /dev /proc /tmp; do mount --rbind "$folder" "$root$folder"; done
mkdir -p "$root/run/sshd"
shift
exec chroot "$root" /usr/sbin/sshd "$@"`;

/**
 * Starts the sshd of a Debian whose base the lab has built (`bookworm`, `trixie`), for `SshdOptions.command`.
 *
 * @throws Error when there is no such base
 */
export function labSshd(suite: string): readonly string[] {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'citadel-iac/lab');
  const names = existsSync(cache) ? readdirSync(cache) : [];
  const base = names.find((name) => name.startsWith(`${suite}-`));
  if (base === undefined) throw new Error(`no base of ${suite} in ${cache}: "npm run lab -- up" builds it`);
  return ['unshare', '--mount', 'sh', '-c', IN_BASE, 'lab-sshd', join(cache, base)];
}
