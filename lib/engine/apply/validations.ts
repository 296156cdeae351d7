import { dirname } from 'node:path/posix';
import type { HostManifest, Validator } from '../../manifest/index.js';
import type { PathOperation } from './path-operations.js';
import { record } from './records.js';

/**
 * What reads a file that comes back from before us, by its path: the manifest no longer says. Only those that a host
 * may become unreachable by, or unable to boot.
 */
const VALIDATOR_OF: readonly (readonly [RegExp, Validator])[] = [
  [/^\/etc\/ssh\/sshd_config(\.d\/[^/]+\.conf)?$/, 'sshd-config'],
  [/^\/etc\/(sudoers|sudoers\.d\/[^/.]+)$/, 'sudoers'],
  [/^\/etc\/nftables\.conf$/, 'nftables'],
  [/^\/etc\/fstab$/, 'fstab'],
];

/**
 * Which files the host's own tools read before the switch: each changed file that names a validator, each unchanged one
 * in whose folder something changes, because files include and depend on one another, and what is put back from before
 * us.
 *
 * @param operations what this transaction does to paths
 * @returns the lines of `ops/validate`: validator and path; a third field says that the host may lack the tool
 */
export function validationRecords(desired: HostManifest, operations: readonly PathOperation[]): string {
  const changed = new Set(operations.map(({ path }) => path));
  const wanted: (readonly [path: string, validator: Validator])[] = Object.entries(
    desired.files ?? {},
  ).flatMap(([path, file]) => (file.validate === undefined ? [] : [[path, file.validate] as const]));
  if (desired.blocks?.['/etc/fstab'] !== undefined) wanted.push(['/etc/fstab', 'fstab']);
  const concerned = wanted
    .filter(
      ([path]) => changed.has(path) || [...changed].some((other) => other.startsWith(`${folder(path)}/`)),
    )
    .map(([path, validator]) => [path, validator, ''] as const);
  const returning = operations
    .filter(({ op }) => op === 'original')
    .flatMap(({ path }) =>
      VALIDATOR_OF.flatMap(([pattern, validator]) =>
        pattern.test(path) ? [[path, validator, 'original'] as const] : [],
      ),
    );
  return [...concerned, ...returning]
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([path, validator, origin]) =>
      origin === '' ? record(validator, path) : record(validator, path, origin),
    )
    .join('');
}

/** The folder whose changes concern a file. `/` and `/etc` would concern everything, so files in them stand alone. */
function folder(path: string): string {
  const parent = dirname(path);
  return parent === '/' || parent === '/etc' ? path : parent;
}
