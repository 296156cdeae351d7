import { defineProgram } from '../remote/programs.js';

/** Prints one snapshot of a host; see `remote/observe.sh` for what it takes and gives. */
export const OBSERVE = defineProgram(
  'citadel-observe',
  'read',
  'common.sh',
  'digests.sh',
  'acls.sh',
  'reboot.sh',
  'observe-before.sh',
  'observe.sh',
);
/** Prints the contents of files as a tar stream. */
export const FETCH = defineProgram('citadel-fetch', 'read', 'common.sh', 'fetch.sh');
/** Prints the generations of a host, or one generation's manifest. */
export const HISTORY = defineProgram('citadel-history', 'read', 'common.sh', 'history.sh');
/** Prints what a host knows of its own state. */
export const STATUS = defineProgram('citadel-status', 'read', 'common.sh', 'reboot.sh', 'status.sh');
/** Prints the commands that were run on a host. */
export const RUNS = defineProgram('citadel-runs', 'read', 'common.sh', 'runs.sh');
/** Prints what stands at paths so that two runs can be compared byte for byte. */
export const EXPECT = defineProgram(
  'citadel-expect',
  'read',
  'common.sh',
  'digests.sh',
  'acls.sh',
  'expect.sh',
);
