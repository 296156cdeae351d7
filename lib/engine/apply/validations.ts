import { dirname } from 'node:path/posix';
import { validatorOf, type FileValidator, type HostManifest } from '../../manifest/index.js';
import { ancestorsOf, type PathOperation } from './path-operations.js';
import { record } from './records.js';

interface Validation {
  readonly path: string;
  readonly validator: FileValidator;
  /** No one asked for it by name, so a host that lacks the tool goes without. */
  readonly optional: boolean;
}

/**
 * Which files the host's own tools read before the switch: each changed file that names a validator or has one by its
 * path, each unchanged one in whose folder something changes, because files include and depend on one another, and what
 * leaves such a path or is put back there from before us.
 *
 * @param operations what this transaction does to paths
 * @returns the lines of `ops/validate`: validator and path; a third field says that the host may lack the tool, and of a
 *   `command` the third and all later ones are its words
 */
export function validationRecords(desired: HostManifest, operations: readonly PathOperation[]): string {
  const changed = new Set(operations.map(({ path }) => path));
  const wanted = wantedValidations(desired);
  const folders = ancestorsOf(changed);
  const concerned = wanted.filter(({ path }) => changed.has(path) || folders.has(folder(path)));
  const named = new Set(wanted.map(({ path }) => path));
  const leaving = operations
    .filter(({ op, path }) => op !== 'dir' && op !== 'rmdir' && !named.has(path))
    .flatMap(({ path }) => byPath(path));
  return [...concerned, ...leaving]
    .sort(({ path: a }, { path: b }) => (a < b ? -1 : a > b ? 1 : 0))
    .map(({ validator, path, optional }) => {
      if (typeof validator !== 'string') return record('command', path, ...validator.command);
      return optional ? record(validator, path, 'optional') : record(validator, path);
    })
    .join('');
}

function wantedValidations(desired: HostManifest): Validation[] {
  return [
    ...Object.entries(desired.files ?? {}).flatMap(([path, { validate }]) =>
      validate === undefined ? byPath(path) : [{ path, validator: validate, optional: false }],
    ),
    ...Object.keys(desired.blocks ?? {}).flatMap(byPath),
    ...Object.keys(desired.symlinks ?? {}).flatMap(byPath),
  ];
}

function byPath(path: string): Validation[] {
  const validator = validatorOf(path);
  return validator === undefined ? [] : [{ path, validator, optional: true }];
}

/** The folder whose changes concern a file. `/` and `/etc` would concern everything, so files in them stand alone. */
function folder(path: string): string {
  const parent = dirname(path);
  return parent === '/' || parent === '/etc' ? path : parent;
}
