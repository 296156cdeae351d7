import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { BOOTSTRAP_ENVIRONMENT, UNWANTED, bootstrapCommand } from '../lab/base/debian.js';
import { cacheFolder } from '../lab/layout.js';
import { withLock } from '../lab/lock.js';
import { ensurePrerequisites } from '../lab/prerequisites.js';
import { must } from '../lab/process.js';

const CUSTOMIZE = new URL('customize.sh', import.meta.url).pathname;
const SUITE = 'trixie';
const PACKAGES = [
  'dbus',
  'e2fsprogs',
  'iproute2',
  'kmod',
  'linux-image-cloud-amd64',
  'openssh-server',
  'procps',
  'sudo',
  'systemd',
  'systemd-sysv',
  'udev',
];
const BUILD_TIMEOUT_MS = 15 * 60_000;

/** A Debian to boot: files that no one writes to. */
export interface Image {
  /** Raw disk with one ext4 file system, labelled `root`. */
  readonly disk: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Private key of agent0, who may do everything by sudo. */
  readonly key: string;
  /** `SHA256:…` of the machine's Ed25519 host key. */
  readonly hostKey: string;
}

/** Built once (a minute or two) and kept under a name with the digest of what went into it. Installs QEMU where it lacks. */
export async function ensureImage(): Promise<Image> {
  const cache = join(cacheFolder(process.env), '..', 'machine');
  const hash = createHash('sha256').update(JSON.stringify([SUITE, PACKAGES, UNWANTED]));
  const folder = join(cache, hash.update(readFileSync(CUSTOMIZE)).digest('hex').slice(0, 12));
  await mkdir(cache, { recursive: true });
  await withLock(join(cache, 'lock'), BUILD_TIMEOUT_MS, async () => {
    await ensurePrograms();
    if (existsSync(folder)) return;
    for (const name of await readdir(cache))
      if (name !== 'lock') await rm(join(cache, name), { recursive: true });
    const partial = `${folder}.partial`;
    await build(partial);
    await rename(partial, folder);
  });
  const at = (name: string): string => join(folder, name);
  const said = await must(['ssh-keygen', '-lf', at('host.pub')]);
  return {
    disk: at('disk'),
    kernel: at('kernel'),
    initrd: at('initrd'),
    key: at('key'),
    hostKey: said.split(' ')[1] ?? '',
  };
}

async function build(folder: string): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  const at = (name: string): string => join(folder, name);
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', at('key')]);
  const argv = bootstrapCommand(SUITE, at('root'), PACKAGES, CUSTOMIZE);
  await must(argv, {
    timeoutMs: BUILD_TIMEOUT_MS,
    env: {
      ...BOOTSTRAP_ENVIRONMENT,
      MACHINE_KEY: readFileSync(at('key.pub'), 'utf8').trim(),
    },
  });
  const script = `
    cp root/boot/vmlinuz-* kernel; cp root/boot/initrd.img-* initrd; cp root/etc/ssh/ssh_host_ed25519_key.pub host.pub
    truncate -s 2G disk; mkfs.ext4 -q -L root -d root disk; rm -rf --one-file-system root`;
  await must(['/bin/sh', '-euc', script], { cwd: folder, timeoutMs: 300_000 });
}

async function ensurePrograms(): Promise<void> {
  await ensurePrerequisites((line) => {
    console.log(line);
  });
  if (existsSync('/usr/bin/qemu-system-x86_64') && existsSync('/usr/bin/qemu-img')) return;
  const env = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LANG: 'C.UTF-8' };
  await must(['apt-get', '-qq', 'update'], { timeoutMs: 180_000, env });
  const wanted = ['qemu-system-x86', 'qemu-utils'];
  await must(['apt-get', '-qq', 'install', '--yes', '--no-install-recommends', ...wanted], {
    timeoutMs: 300_000,
    env,
  });
}
