import type { ManifestAbsentPath } from '../../manifest/index.js';
import type { Contribution } from './contribution.js';
import type { OwnProblem } from './problems.js';

/** A path at which nothing is to stand. */
export function absentPath(path: string, kind: ManifestAbsentPath['kind']): Contribution {
  return { section: 'absentPaths', key: path, value: { kind } };
}

/** What is to be absent has a path, or a name, and nothing else. */
export function onlyAbsent(props: object, key: 'path' | 'name' = 'path'): OwnProblem[] {
  return Object.entries(props)
    .filter(([name, value]) => name !== key && name !== 'state' && value !== undefined)
    .map(([name]) => ({
      code: 'construct.absent.property',
      property: name,
      got: 'is given for what is to be absent',
      fix: `Take ${name} out, or the state`,
    }));
}
