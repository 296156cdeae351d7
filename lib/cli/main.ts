import { toolVersion } from '../text/tool-version.js';
import { flush, processShell } from './process-shell.js';
import { run } from './run.js';
import { siteFrom, type SiteModule } from './site-module.js';

/**
 * The process: it ends when the command has.
 *
 * @param own what to run outside of every site, and for the site in that folder; a package has none
 */
export async function main(own?: SiteModule): Promise<never> {
  const version = toolVersion();
  const shell = processShell(siteFrom(process.cwd(), own), version);
  const code = await run(process.argv.slice(2), shell, version);
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  // Sockets that say goodbye, an agent, a timer: nothing that is left is worth waiting for.
  process.exit(code);
}
