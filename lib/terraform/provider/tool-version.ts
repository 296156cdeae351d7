import { readFileSync } from 'node:fs';

/** The version of this package, put in place of this name when the provider is bundled; from source it does not exist. */
declare const CITADEL_TOOL_VERSION: string | undefined;

/** Version of this package, as the command line tool has it too: for the history of hosts. */
export function toolVersion(): string {
  if (typeof CITADEL_TOOL_VERSION !== 'undefined') return CITADEL_TOOL_VERSION;
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { readonly version: string }).version;
}
