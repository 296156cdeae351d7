import { Duration } from './units.js';

/** How often hosts look at themselves; alerts about looks that did not happen are made from the same figures. */
export const DRIFT_CHECK_EVERY = Duration.minutes(15);
export const SMART_READ_EVERY = Duration.hours(1);
/** So many looks may fail to happen before someone is told. */
export const MISSED_LOOKS = 4;
