import { pathProblem, type DocumentPart } from '../schema.js';
import type { Rule, RuleContext } from './context.js';
import { reservedProblem } from './reserved.js';

interface Claim {
  readonly path: string;
  readonly section: DocumentPart;
  readonly key: string;
  /** Only below a directory can other paths stand. */
  readonly directory: boolean;
  /** `files`, or `users (authorized keys of agent0)`. */
  readonly label: string;
}

/**
 * Every path has one owner, and nothing stands below a path that is not a directory. A mount point and a
 * user's `~/.ssh` may also be among `directories` (which say who owns them); everything else claims a path for itself.
 */
export const pathRules: Rule = (context) => {
  const claims = allClaims(context);
  const byPath = new Map<string, Claim[]>();
  for (const claim of claims) byPath.set(claim.path, [...(byPath.get(claim.path) ?? []), claim]);

  for (const [path, owners] of byPath) {
    const first = owners[0];
    for (const other of owners.slice(1)) {
      if (first === undefined || mayShare(first, other)) continue;
      context.report(other.section, other.key, {
        code: 'manifest.path.claimed',
        got: `${path} stands in ${first.label} as well (${context.origin(first.section, first.key)})`,
        fix: 'Let one of them own the path',
      });
    }
  }
  for (const { path, section, key } of claims) {
    const problem = reservedProblem(path, section);
    if (problem !== undefined) context.report(section, key, problem);
  }
  for (const claim of claims) {
    // What is below a directory that is to be absent, or in the place of one, may be named as absent as well.
    if (claim.section === 'absentPaths') continue;
    const above = ancestors(claim.path)
      .flatMap((path) => byPath.get(path) ?? [])
      .find((owner) => !owner.directory);
    if (above === undefined) continue;
    context.report(claim.section, claim.key, {
      code: 'manifest.path.below',
      got: `${claim.path} is below ${above.path}, which is ${above.section === 'absentPaths' ? '' : 'not a directory but in '}${above.label} (${context.origin(above.section, above.key)})`,
      fix: 'Move one of the two, or make the upper one a directory',
    });
  }
};

/** A declared directory may be a mount point, and may say otherwise about a user's `~/.ssh` (see `expandManifest`). */
function mayShare(a: Claim, b: Claim): boolean {
  return a.directory && b.directory && [a.section, b.section].includes('directories');
}

function allClaims(context: RuleContext): Claim[] {
  const plain = (section: DocumentPart, directory: boolean) =>
    context
      .keys(section)
      .filter((path) => pathProblem(path) === undefined)
      .map((path) => ({ path, section, key: path, directory, label: section }));
  return [
    ...plain('directories', true),
    ...plain('files', false),
    ...plain('blocks', false),
    ...plain('symlinks', false),
    ...plain('mounts', true),
    ...plain('absentPaths', false).map((claim) => ({ ...claim, label: 'what is to be absent' })),
    ...Object.entries(context.manifest.users ?? {})
      .filter(([, user]) => user.authorizedKeys !== undefined)
      .flatMap(([name, user]) => {
        const owner = { section: 'users' as const, key: name, label: `users (authorized keys of ${name})` };
        return [
          { ...owner, path: `${user.home}/.ssh`, directory: true },
          { ...owner, path: `${user.home}/.ssh/authorized_keys`, directory: false },
        ];
      }),
  ];
}

/** `/a/b/c` → `/a/b`, `/a` */
function ancestors(path: string): string[] {
  const found: string[] = [];
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1))
    found.push(path.slice(0, end));
  return found;
}
