import { readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Units of the base that a small host does without. */
const MASKED = [
  'cron.service',
  'dev-hugepages.mount',
  'lab-disks.service',
  'logrotate.timer',
  'run-lock.mount',
  'sys-fs-fuse-connections.mount',
  'systemd-logind.service',
  'systemd-tmpfiles-clean.timer',
];

/**
 * Makes a small host of a copy of the base: systemd, journald, D-Bus and sshd. A login starts no user manager, which costs four
 * times what the login itself does; the journal is in memory.
 */
export async function makeSmall(root: string): Promise<void> {
  const units = join(root, 'etc/systemd/system');
  await Promise.all(MASKED.map((unit) => symlink('/dev/null', join(units, unit))));
  const session = join(root, 'etc/pam.d/common-session');
  const lines = (await readFile(session, 'utf8')).split('\n');
  await writeFile(session, lines.filter((line) => !line.includes('pam_systemd.so')).join('\n'));
  const journal = '[Journal]\nStorage=volatile\nRuntimeMaxUse=8M\n';
  await writeFile(join(root, 'etc/systemd/journald.conf'), journal);
  // What systemd does once after the packages of a machine have changed.
  for (const folder of ['etc', 'var']) await writeFile(join(root, folder, '.updated'), '');
}
