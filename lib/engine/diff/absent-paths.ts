import type { ManifestAbsentPath } from '../../manifest/index.js';
import type { ObservedPath } from '../model.js';
import { holdsSecrets } from '../secrets/mask.js';
import type { DiffInput, DiffOutput } from './input.js';
import { sortedEntries } from './input.js';
import { PATH_SECTIONS, appliedPath, entryCount, pastSecrets, seenView } from './path-views.js';
import { causeOf } from './three-way.js';

const SECTION_OF = {
  directory: 'directories',
  symlink: 'symlinks',
  file: 'files',
  other: 'files',
} as const;

/**
 * Paths at which nothing is to stand. What is there goes, and a copy is kept as of everything that a document names
 * first; a directory goes only when nothing but what goes as well is in it.
 */
export function diffAbsentPaths(input: DiffInput, output: DiffOutput): void {
  const { desired, observed } = input;
  for (const [path, { kind }] of sortedEntries(desired.absentPaths)) {
    const seen = observed.paths.get(path);
    if (seen === undefined) continue;
    const origin = desired.origins?.[`absentPaths/${path}`];
    const problem = whyItStays(input, path, kind, seen);
    if (problem !== undefined) {
      output.problems.push({
        path: origin ?? desired.host,
        property: `absentPaths[${JSON.stringify(path)}]`,
        ...problem,
      });
      continue;
    }
    const last = appliedPath(input, path);
    output.changes.push({
      section: SECTION_OF[seen.kind],
      key: path,
      action: 'delete',
      cause: causeOf({ type: 'absent' }, last, last !== undefined && last['type'] === seen.kind),
      before: seenView(seen, holdsSecrets(undefined, pastSecrets(input, path))),
      after: { state: 'absent' },
      ...(origin === undefined ? {} : { origin }),
    });
    output.touched.add(path);
  }
}

function whyItStays(
  input: DiffInput,
  path: string,
  kind: ManifestAbsentPath['kind'],
  seen: ObservedPath,
): { readonly code: string; readonly got: string; readonly fix: string } | undefined {
  if ((seen.kind === 'directory') !== (kind === 'directory')) {
    return {
      code: 'diff.absent.kind',
      got: `${path} is ${seen.kind === 'directory' ? 'a directory' : 'no directory'} on the host, and ${kind === 'directory' ? 'a directory' : 'a file or link'} is to be absent there`,
      fix: `Declare a ${kind === 'directory' ? 'HostFile' : 'Directory'} as absent, or look what it is`,
    };
  }
  if (seen.kind !== 'directory') return undefined;
  const others = (seen.entries ?? 0) - goingIn(input, path);
  if (others <= 0) return undefined;
  return {
    code: 'diff.absent.not-empty',
    got: `${path} holds ${entryCount(others)} that ${others === 1 ? 'does' : 'do'} not go with it, and only an empty directory can be taken away and put back`,
    fix: `Look what it is (ls -la ${path}), and declare that absent as well, or take it away by hand`,
  };
}

/** How many entries of a directory go: what is to be absent, and what leaves the configuration. */
function goingIn({ desired, applied, observed }: DiffInput, directory: string): number {
  const leaving = PATH_SECTIONS.flatMap((section) => Object.keys(applied?.[section] ?? {})).filter((path) =>
    PATH_SECTIONS.every((section) => desired[section]?.[path] === undefined),
  );
  const going = new Set([...Object.keys(desired.absentPaths ?? {}), ...leaving]);
  return [...going].filter(
    (path) => path.slice(0, path.lastIndexOf('/')) === directory && observed.paths.has(path),
  ).length;
}
