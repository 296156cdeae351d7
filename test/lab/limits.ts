import { readFile, writeFile } from 'node:fs/promises';

const INSTANCES = '/proc/sys/fs/inotify/max_user_instances';
/** Each host's systemd and D-Bus hold four, and all are root's: the kernel's usual 128 is used up by thirty hosts. */
const WANTED = 4096;

/** Raises what this machine allows root, where it is too little for many hosts. It stays so until the machine's next boot. */
export async function raiseLimits(): Promise<void> {
  const allowed = Number(await readFile(INSTANCES, 'utf8'));
  if (allowed < WANTED) await writeFile(INSTANCES, `${String(WANTED)}\n`);
}
