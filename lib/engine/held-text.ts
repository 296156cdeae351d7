import type { Held } from './model.js';

/** When the host ends a run by itself, whether or not anyone still listens to it; empty: a host of an older version does not say. */
export function heldText({ asked, ends }: Pick<Held, 'asked' | 'ends'>): string {
  if (asked !== undefined) {
    return `at ${asked.since} the host asked its operator for a new connection and has not been answered: without an answer it undoes everything by itself at ${asked.until}`;
  }
  return ends === undefined
    ? ''
    : `the host goes on with it whether its operator still listens or not, and undoes it by itself if it has not ended by ${ends}`;
}

/** What to do about a run that holds the host; it needs no one, also where its operator's side was killed, suspended or cut off. */
export const AWAIT_HELD =
  '"citadel-iac apply --wait" waits for its end and goes on then, also where its own apply was killed or cut off; there is nothing to clean up';
