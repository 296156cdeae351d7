import type { Change } from '../../engine/model.js';
import { attributeLine, changedAttributes } from './attributes.js';

/** One thing to say of a change: words, and what of it is a name or a value. */
export interface ChangeDetail {
  readonly words: string;
  readonly code?: string;
}

/** What a change is next to its lines: attributes, units, a remark, and the construct that declares it. */
export function changeDetails(change: Change): ChangeDetail[] {
  const { size: _b, ...before } = change.before ?? {};
  const { size: _a, ...after } = change.after ?? {};
  const attributes =
    change.action === 'update'
      ? changedAttributes(before, after)
      : [attributeLine(change.action === 'create' ? after : before)];
  return [
    ...attributes.filter((text) => text !== '').map((code) => ({ words: '', code })),
    ...(change.restarts ?? []).map((code) => ({ words: interrupts(change), code })),
    ...(change.reloads ?? []).map((code) => ({ words: 'reloads', code })),
    ...(change.note === undefined ? [] : [{ words: change.note }]),
    ...(change.origin === undefined ? [] : [{ words: 'declared by', code: change.origin }]),
  ];
}

/** What becomes of the units in `restarts`: one that leaves is stopped, and does not come back. */
export function interrupts({ section, action }: Change): 'restarts' | 'stops' {
  return section === 'units' && action === 'delete' ? 'stops' : 'restarts';
}
