import { defineProgram } from '../remote/programs.js';

/** Makes the account by which a host is managed. */
export const BOOTSTRAP = defineProgram('citadel-bootstrap', 'write', 'common.sh', 'bootstrap.sh');
/** Says what stands on the disks that a manifest mounts. */
export const DISKS = defineProgram('citadel-disks', 'read', 'common.sh', 'devices.sh', 'disks.sh');
/** Asks the host's own program what it would bring back. */
export const WEIGHTS_PLAN = defineProgram(
  'citadel-weights-plan',
  'read',
  'common.sh',
  'weights-plan.sh',
  'weights.sh',
);
/** Has it bring back what is missing. */
export const WEIGHTS = defineProgram(
  'citadel-weights',
  'write',
  'common.sh',
  'weights-restore.sh',
  'weights.sh',
);
/** What the host says of itself. */
export const HEALTH = defineProgram('citadel-health', 'read', 'common.sh', 'health.sh');
/** Has the host's own program bring back what is kept off-site. */
export const DATA = defineProgram('citadel-data', 'write', 'common.sh', 'data.sh');
/** How far a host is with weights that it fetches by itself. */
export const FETCHED = defineProgram('citadel-fetched', 'read', 'common.sh', 'fetched.sh');
