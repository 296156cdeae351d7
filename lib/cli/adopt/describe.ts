import type { Section } from '../../manifest/index.js';
import type { Change } from '../../engine/model.js';
import type { Candidate } from './candidates.js';
import type { Described } from './model.js';

export const UNDO_ONLY = (host: string): string => `"citadel-iac apply ${host}" takes it back.`;

/** What a person would change in the project to keep a hand-made change of a section. */
const KEEP: Readonly<Record<Section, string>> = {
  packages: 'name the package, or take it out,',
  groups: 'change the group',
  users: 'change the account',
  directories: 'change its owner, group or mode, or take it out,',
  files: 'change what makes it',
  blocks: 'change the block',
  symlinks: 'change where it points, or take it out,',
  mounts: 'change the mount',
  units: 'change whether it is enabled and runs, or take it out,',
  checks: 'change the check',
};

/** A hand-made change that stays where it is. */
export function describeChange(host: string, change: Change): Described {
  const place = change.origin === undefined ? 'in the code' : `in the code of ${change.origin}`;
  return {
    host,
    change,
    why: reason(change),
    next:
      change.action === 'delete'
        ? `It leaves with the next apply, and a copy is kept with the new generation.${isUnwanted(change.after) ? ` To keep it, take what says so out ${place}.` : ''}`
        : `${UNDO_ONLY(host)} To keep it, ${KEEP[change.section]} ${place}.`,
  };
}

/** Whether a document says of something that it is not to be there. */
function isUnwanted(after: Change['after']): boolean {
  return after?.['state'] === 'absent';
}

function reason({ section, action, before, after }: Change): string {
  if (action === 'create') return 'it was removed by hand';
  if (isUnwanted(after)) return 'it was put there by hand, and the project says that nothing is to be there';
  if (action === 'delete') return 'it was changed by hand, and the project has it no longer';
  const type = before?.['type'];
  if (typeof type === 'string' && type !== after?.['type']) return `a ${type} was put in its place by hand`;
  if (section === 'blocks') return 'the lines between our marks were changed by hand';
  return 'it was changed by hand, and no file of the project says this with one value';
}

/** Why a text that was changed by hand has no place: code makes it. */
export function noPlace(
  host: string,
  change: Change,
  tries: number,
  gaveUp: boolean,
  tooMuch: Pick<Candidate, 'path' | 'from' | 'to'> | undefined,
): Described {
  const told = describeChange(host, change);
  if (tooMuch !== undefined) {
    const { path, from, to } = tooMuch;
    return {
      ...told,
      why: `${path.join('.')}: ${JSON.stringify(from)} → ${JSON.stringify(to)} makes this edit, and changes more of the same file`,
      next: `${UNDO_ONLY(host)} To keep it and the rest, set that value in the inventory.`,
    };
  }
  const tried = tries === 0 ? '' : `; ${tries} ${tries === 1 ? 'value was' : 'values were'} tried`;
  return {
    ...told,
    why: gaveUp
      ? `its text is made by code, and the search for values of the inventory that make this edit was given up${tried}`
      : `its text is made by code, and no values of the inventory make exactly this edit${tried}`,
  };
}
