import { canonicalJson } from '../../manifest/index.js';
import type { AppliedItem, ChangeCause } from '../model.js';

/**
 * Why the host is not as desired. Called only when it is not.
 *
 * @param want the desired item's facts
 * @param last those of the last generation, if it had the item
 * @param holds whether the host is as the last generation left it
 */
export function causeOf(want: AppliedItem, last: AppliedItem | undefined, holds: boolean): ChangeCause {
  if (last === undefined) return 'config';
  const moved = canonicalJson(comparable(want)) !== canonicalJson(comparable(last));
  if (!moved) return 'drift';
  return holds ? 'config' : 'both';
}

/** The cause of removing something: the configuration’s, and also the host’s when someone changed it since. */
export function leavingCause(holds: boolean): ChangeCause {
  return holds ? 'config' : 'both';
}

/** Facts without what only says where they come from, or what was there before. */
function comparable(facts: AppliedItem): AppliedItem {
  const {
    adopted: _adopted,
    had: _had,
    was: _was,
    access: _access,
    heldBefore: _held,
    secrets: _secrets,
    secret: _secret,
    restartOn: _restartOn,
    reloadOn: _reloadOn,
    onChange: _onChange,
    ...rest
  } = facts;
  return rest;
}
