import type { Host } from '../../../lib/constructs/index.js';
import { manifestOf } from '../host/support.js';

/** Content of one file of a host with what `build` declares. */
export function contentOf(path: string, build: (host: Host) => unknown): string {
  const file = manifestOf(build).files?.[path];
  if (file?.content === undefined) throw new Error(`there is no ${path}`);
  return file.content;
}
