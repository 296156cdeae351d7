import type { Validator } from './schema.js';

const UNIT = String.raw`[A-Za-z0-9:_.\\@-]+\.(?:service|socket|mount|automount|swap|target|path|timer|slice)`;
const UNIT_DIRECTORY = String.raw`/(?:etc|usr/lib|usr/local/lib|lib)/systemd/system`;

/** Files that their program reads under this very name, and from which a mistake may keep a host from working. */
const WELL_KNOWN: readonly (readonly [RegExp, Validator])[] = [
  [/^\/etc\/ssh\/sshd_config(?:\.d\/[^/]+\.conf)?$/, 'sshd-config'],
  // sudo ignores a file with a dot in its name.
  [/^\/etc\/(?:sudoers|sudoers\.d\/[^/.]*[^/.~])$/, 'sudoers'],
  [/^\/etc\/fstab$/, 'fstab'],
  [/^\/etc\/nftables\.conf$/, 'nftables'],
  [/^\/etc\/logrotate\.(?:conf|d\/[^/]+)$/, 'logrotate'],
  [/^\/etc\/cron\.d\/[A-Za-z0-9_-]+$/, 'cron'],
  [/^\/etc\/sysctl\.(?:conf|d\/[^/]+\.conf)$/, 'sysctl'],
  [new RegExp(`^${UNIT_DIRECTORY}/${UNIT}(?:\\.d/[^/]+\\.conf)?$`), 'systemd-unit'],
];

/**
 * The validator that a file gets by its path, whether or not the document names one: `/etc/ssh/sshd_config` →
 * `sshd-config`. `undefined` for a path that no program is known to read.
 */
export function validatorOf(path: string): Validator | undefined {
  return WELL_KNOWN.find(([pattern]) => pattern.test(path))?.[1];
}
