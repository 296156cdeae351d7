import { readFileSync } from 'node:fs';
import { must, run, waitFor } from './process.js';

/** Mount points of this machine. */

/**
 * Makes a folder a mount point whose mounts are shared. Every network namespace that a program enters, and every host,
 * takes a copy of all mounts. Without this, a host's disk would stay in use by copies that no one sees, for as long as a host of
 * any lab lives; so, they follow when a disk is unmounted.
 */
export async function shareMountsBelow(folder: string): Promise<void> {
  if (
    mountLines().some((line) => mountPointOf(line) === folder || mountPointOf(line).startsWith(`${folder}/`))
  )
    return;
  await must(['mount', '--bind', folder, folder]);
  await must(['mount', '--make-shared', folder]);
}

export function isMounted(folder: string): boolean {
  return mountLines().some((line) => mountPointOf(line) === folder);
}

export function hasMountsBelow(folder: string): boolean {
  return mountLines().some((line) => mountPointOf(line).startsWith(`${folder}/`));
}

/** Whether a mounted ext4 was stopped by EXT4_IOC_SHUTDOWN: it answers with I/O errors until it is mounted again. */
export function isStopped(folder: string): boolean {
  return mountLines().some(
    (line) => mountPointOf(line) === folder && /(^|,)shutdown(,|$)/.test(line.split(' ').at(-1) ?? ''),
  );
}

/** Unmounts what is mounted; a host that has just ended may hold it for a moment longer. */
export async function unmount(folder: string): Promise<void> {
  await waitFor(`The unmounting of ${folder}`, 15_000, async () => {
    if (!isMounted(folder)) return true;
    await run(['umount', folder]);
    return isMounted(folder) ? undefined : true;
  });
}

function mountLines(): string[] {
  return readFileSync('/proc/self/mountinfo', 'utf8').trimEnd().split('\n');
}

function mountPointOf(line: string): string {
  return line.split(' ')[4] ?? '';
}
