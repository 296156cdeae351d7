import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { BUILT, PACKAGE_ROOT } from '../../text/assets.js';

/** The provider's program, absolute: `node <program>`. In a clone it is built here if a source has changed since. */
export function providerProgram(): string {
  if (!BUILT) execFileSync(process.execPath, [join(PACKAGE_ROOT, 'bin/build.mjs')], { stdio: 'inherit' });
  return join(PACKAGE_ROOT, 'dist/provider.js');
}
