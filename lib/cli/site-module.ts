import { existsSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CitadelError } from '../manifest/index.js';

/** The file that a site is defined in. */
export const CONFIG = 'citadel.config.ts';

/** A site's configuration: the folder that it lies in, which its paths start from, and how it is loaded. */
export interface SiteModule {
  readonly folder: string;
  readonly load: () => Promise<unknown>;
}

/** The site whose configuration lies in the working directory or above it. */
export function siteFrom(cwd: string, own: SiteModule | undefined): SiteModule {
  for (let folder = cwd; ; folder = dirname(folder)) {
    if (existsSync(join(folder, CONFIG))) {
      // A link to the project is the project.
      const real = dirname(realpathSync(join(folder, CONFIG)));
      return own !== undefined && real === own.folder
        ? own
        : { folder: real, load: () => importTypeScript(real) };
    }
    if (dirname(folder) === folder) return own ?? { folder: cwd, load: () => Promise.reject(noSite(cwd)) };
  }
}

async function importTypeScript(folder: string): Promise<unknown> {
  const { register } = await import('tsx/esm/api');
  register();
  return import(pathToFileURL(join(folder, CONFIG)).href);
}

function noSite(cwd: string): CitadelError {
  return new CitadelError({
    code: 'cli.site',
    path: cwd,
    got: `there is no ${CONFIG} in this folder or above it`,
    fix: 'Change to the folder of a site, or make one with "citadel-iac init FOLDER".',
  });
}
