import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** True in `dist/`, put there by `bin/build.mjs`; from source the name does not exist. */
declare const CITADEL_BUILT: true | undefined;

/** Whether this runs from `dist/` of a package or a clone, and not from the TypeScript sources. */
export const BUILT = typeof CITADEL_BUILT !== 'undefined';

/** The folder of this package's `package.json`, absolute. */
export const PACKAGE_ROOT = packageRoot(dirname(fileURLToPath(import.meta.url)));

/**
 * A file or folder of this package that is read at run time, absolute.
 *
 * @param path as in the repository: `templates`, `lib/engine/remote/observe.sh`; one that `ASSETS` in
 * `bin/build.mjs` names, because `dist/assets/` holds nothing else
 */
export function asset(path: string): string {
  return BUILT ? join(PACKAGE_ROOT, 'dist/assets', path) : join(PACKAGE_ROOT, path);
}

function packageRoot(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  return parent === folder ? folder : packageRoot(parent);
}
