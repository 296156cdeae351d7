import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from './layout.js';
import { withLock } from './lock.js';
import { LabError, must } from './process.js';

/** Programs the lab runs on this machine, and the Debian package each comes from. */
const PROGRAMS: Readonly<Record<string, string>> = {
  'systemd-nspawn': 'systemd-container',
  mmdebstrap: 'mmdebstrap',
  ip: 'iproute2',
  ssh: 'openssh-client',
  'ssh-keygen': 'openssh-client',
  'mkfs.ext4': 'e2fsprogs',
  flock: 'util-linux',
  losetup: 'mount',
  mount: 'mount',
  nsenter: 'util-linux',
  blkid: 'util-linux',
  setsid: 'util-linux',
  'dpkg-deb': 'dpkg',
};
/** What mmdebstrap trusts Debian by; Ubuntu has it in a package of its own. */
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const SEARCH = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];
/** CAP_SYS_ADMIN, as a bit of CapEff in /proc/self/status. */
const SYS_ADMIN = 1n << 21n;

/** Why no lab can run on this machine; undefined if one can (perhaps after installing packages). */
export function obstacle(): string | undefined {
  if (process.platform !== 'linux') return `the lab needs Linux, this is ${process.platform}`;
  if (process.getuid?.() !== 0) return 'the lab needs root';
  const effective = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '0';
  if ((BigInt(`0x${effective}`) & SYS_ADMIN) === 0n)
    return 'the lab needs CAP_SYS_ADMIN (an unprivileged container has none)';
  const missing = missingPackages();
  if (missing.length > 0 && !isInstalled('apt-get'))
    return `the lab needs ${missing.join(', ')}, and there is no apt-get`;
  return undefined;
}

/** Installs the Debian packages that this machine lacks. */
export async function ensurePrerequisites(progress: (line: string) => void): Promise<void> {
  const reason = obstacle();
  if (reason !== undefined) throw new LabError(`No lab can run here: ${reason}.`, 'See test/lab/README.md.');
  if (missingPackages().length === 0) return;
  const cache = cacheFolder(process.env);
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, 'prerequisites.lock'), 600_000, async () => {
    const missing = missingPackages();
    if (missing.length === 0) return;
    progress(`installing ${missing.join(' ')}`);
    const env = { PATH: SEARCH.join(':'), DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8' };
    await must(['apt-get', '-qq', 'update'], { timeoutMs: 180_000, env });
    await must(['apt-get', '-qq', 'install', '--yes', '--no-install-recommends', ...missing], {
      timeoutMs: 300_000,
      env,
    });
  });
}

function missingPackages(): string[] {
  const packages = Object.entries(PROGRAMS)
    .filter(([program]) => !isInstalled(program))
    .map(([, name]) => name);
  if (!existsSync(KEYRING)) packages.push('debian-archive-keyring');
  return [...new Set(packages)].sort();
}

function isInstalled(program: string): boolean {
  return SEARCH.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
