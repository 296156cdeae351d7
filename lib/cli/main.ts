import './quick-start.js';
import { flush, processShell } from './process-shell.js';
import { run } from './run.js';

export interface MainOptions {
  /** Loads the project's app module. */
  readonly importApp: () => Promise<unknown>;
  readonly version: string;
}

/** The process: called by `bin/citadel-iac.mjs`, and ends when the command has. */
export async function main({ importApp, version }: MainOptions): Promise<never> {
  const shell = processShell(importApp, version);
  const code = await run(process.argv.slice(2), shell, version);
  await Promise.all([flush(process.stdout), flush(process.stderr)]);
  // Sockets that say goodbye, an agent, a timer: nothing that is left is worth waiting for.
  process.exit(code);
}
