import type { DiffInput, DiffOutput } from './input.js';
import { PATH_SECTIONS } from './path-views.js';

/**
 * A link that is to lead elsewhere while the document, or the last generation, has paths below it: by the new way each of
 * them is another file, which no one has looked at, and what we put by the old way would stay there.
 */
export function refuseSwitchedLinks(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  for (const [path, { target }] of Object.entries(desired.symlinks ?? {})) {
    const seen = observed.paths.get(path);
    if (seen?.kind !== 'symlink' || seen.target === target) continue;
    const below = pathsBelow(input, path);
    const [first] = below;
    if (first === undefined) continue;
    const others = below.length === 1 ? '' : ` (and ${String(below.length - 1)} more)`;
    output.problems.push({
      code: 'diff.below-link',
      path: desired.origins?.[`symlinks/${path}`] ?? desired.host,
      property: `symlinks["${path}"]`,
      got: `${path} leads to ${seen.target ?? ''} on the host and is to lead to ${target}, and ${first}${others} lies below it: by the new way that is another file`,
      fix: 'Name what lies below by where it really is, or change the link in an apply of its own, before which nothing below it is managed any more',
    });
  }
}

/** Paths of the document and of the last generation, sorted. */
function pathsBelow(input: DiffInput, link: string): string[] {
  const { desired, applied } = input;
  const sections = [...PATH_SECTIONS, 'blocks'] as const;
  const all = sections.flatMap((section) => [
    ...Object.keys(desired[section] ?? {}),
    ...Object.keys(applied?.[section] ?? {}),
  ]);
  return [...new Set(all)].filter((path) => path.startsWith(`${link}/`)).sort();
}
