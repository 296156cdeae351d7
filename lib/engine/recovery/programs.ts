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
