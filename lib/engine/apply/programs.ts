import { defineProgram } from '../remote/programs.js';

/** The scripts of which the transaction on the host is made, in the order in which they are put together. */
export const TRANSACTION_SCRIPTS = [
  'common.sh',
  'tx-aloud.sh',
  'digests.sh',
  'acls.sh',
  'tx-journal.sh',
  'tx-paths.sh',
  'tx-parents.sh',
  'tx-batch.sh',
  'tx-obstacles.sh',
  'tx-keep.sh',
  'tx-keep-changed.sh',
  'tx-theirs.sh',
  'tx-last-look.sh',
  'tx-restore.sh',
  'tx-blocks.sh',
  'tx-block-files.sh',
  'tx-accepted.sh',
  'tx-originals.sh',
  'tx-attributes.sh',
  'tx-packages.sh',
  'tx-packages-before.sh',
  'tx-packages-undo.sh',
  'tx-packages-hold.sh',
  'tx-accounts.sh',
  'tx-accounts-undo.sh',
  'tx-accounts-restore.sh',
  'tx-accounts-leaving.sh',
  'tx-accounts-access.sh',
  'tx-own-groups.sh',
  'tx-homes.sh',
  'tx-homes-disk.sh',
  'tx-unit-links.sh',
  'tx-unit-journal.sh',
  'tx-units.sh',
  'tx-units-brought.sh',
  'tx-units-leaving.sh',
  'tx-settle.sh',
  'tx-units-undo.sh',
  'devices.sh',
  'tx-host-name.sh',
  'tx-tools.sh',
  'tx-mount-facts.sh',
  'tx-mounts.sh',
  'tx-mounts-early.sh',
  'tx-phases.sh',
  'tx-checks.sh',
  'tx-checks-before.sh',
  'tx-confirm.sh',
  'tx-candidate.sh',
  'tx-verdict-units.sh',
  'tx-verdict-files.sh',
  'tx-verdict-command.sh',
  'tx-validate.sh',
  'tx-prove.sh',
  'tx-undo.sh',
  'tx-accept.sh',
  'tx-sweep.sh',
  'back-mounts.sh',
  'tx-way.sh',
  'tx-record.sh',
  'tx-main.sh',
] as const;

/** Receives a transaction, starts it in a unit of its own and follows it. */
export const APPLY = defineProgram('citadel-apply', 'write', 'common.sh', 'follow-tx.sh', 'stage.sh');
/** Follows a transaction that was started over another connection. */
export const ATTACH = defineProgram('citadel-attach', 'read', 'common.sh', 'follow-tx.sh', 'attach.sh');
/** Confirms a change, or cancels what has not begun. */
export const CONTROL = defineProgram('citadel-control', 'write', 'common.sh', 'follow-tx.sh', 'control.sh');
/** Staged with each transaction, run from its folder, and kept with its generation for the way back. */
export const TRANSACTION = defineProgram('citadel-transaction', 'write', ...TRANSACTION_SCRIPTS);
/** Kept on the host as `bin/back.sh`: goes to a generation by the ways that were prepared, and looks for drift. */
export const BACK = defineProgram(
  'citadel-back',
  'write',
  'common.sh',
  'back-mounts.sh',
  'back-store.sh',
  'back-secrets.sh',
  'digests.sh',
  'acls.sh',
  'back-look.sh',
  'tx-blocks.sh',
  'back-blocks.sh',
  'back-compare.sh',
  'back-build.sh',
  'back-say.sh',
  'resolve-look.sh',
  'back-resolve.sh',
  'reboot.sh',
  'back-main.sh',
);
/** Pins a generation, or lets it go. */
export const PIN = defineProgram('citadel-pin', 'write', 'common.sh', 'pin.sh');
/** Runs one command of the operator's. */
export const RUN = defineProgram('citadel-run', 'write', 'common.sh', 'run.sh');
/** What an undo left, path by path. */
export const RESOLVE_SHOW = defineProgram(
  'citadel-resolve-show',
  'read',
  'common.sh',
  'resolve-look.sh',
  'resolve-show.sh',
);
/** Ends a transaction whose undo left something, with what is there now. */
export const RESOLVE_ACCEPT = defineProgram(
  'citadel-resolve-accept',
  'write',
  'common.sh',
  'tx-aloud.sh',
  'digests.sh',
  'acls.sh',
  'tx-journal.sh',
  'tx-paths.sh',
  'tx-keep.sh',
  'tx-restore.sh',
  'tx-blocks.sh',
  'tx-unit-links.sh',
  'tx-unit-journal.sh',
  'tx-units.sh',
  'tx-confirm.sh',
  'tx-undo.sh',
  'tx-accepted.sh',
  'tx-originals.sh',
  'tx-accept.sh',
  'resolve-accept.sh',
);
/** Ends what a dead transaction left open. */
export const RECOVER = defineProgram('citadel-recover', 'write', 'common.sh', 'recover.sh');
