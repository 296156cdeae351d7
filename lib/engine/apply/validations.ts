import { dirname } from 'node:path/posix';
import type { HostManifest, Validator } from '../../manifest/index.js';
import { record } from './records.js';

/**
 * Which files the host's own tools read before the switch: each changed file that names a validator, and each
 * unchanged one in whose folder something changes, because files include and depend on one another.
 *
 * @param changed every path that this transaction writes or removes
 * @returns the lines of `ops/validate`: validator and path
 */
export function validationRecords(desired: HostManifest, changed: ReadonlySet<string>): string {
  const wanted: (readonly [string, Validator])[] = Object.entries(desired.files ?? {}).flatMap(
    ([path, file]) => (file.validate === undefined ? [] : [[path, file.validate] as const]),
  );
  if (desired.blocks?.['/etc/fstab'] !== undefined) wanted.push(['/etc/fstab', 'fstab']);
  return wanted
    .filter(
      ([path]) => changed.has(path) || [...changed].some((other) => other.startsWith(`${folder(path)}/`)),
    )
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([path, validator]) => record(validator, path))
    .join('');
}

/** The folder whose changes concern a file. `/` and `/etc` would concern everything, so files in them stand alone. */
function folder(path: string): string {
  const parent = dirname(path);
  return parent === '/' || parent === '/etc' ? path : parent;
}
