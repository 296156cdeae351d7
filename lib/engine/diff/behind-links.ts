import type { ExpandedManifest } from '../../manifest/index.js';
import type { ObservedHost } from '../model.js';

/**
 * What was observed, without what is seen only through a symbolic link that a directory will replace: below the new
 * directory nothing of that stands.
 */
export function withoutBehindLinks(desired: ExpandedManifest, observed: ObservedHost): ObservedHost {
  const links = Object.keys(desired.directories ?? {})
    .filter((path) => observed.paths.get(path)?.kind === 'symlink')
    .map((path) => `${path}/`);
  if (links.length === 0) return observed;
  const kept = <Value>(map: ReadonlyMap<string, Value>): Map<string, Value> =>
    new Map([...map].filter(([path]) => !links.some((link) => path.startsWith(link))));
  return { ...observed, paths: kept(observed.paths), contents: kept(observed.contents) };
}
