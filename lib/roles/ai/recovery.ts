import type { HostManifest } from '../../manifest/index.js';
import type { RoleRecovery } from '../../site/index.js';

/** The program that saves and restores on the node. */
const PROGRAM = '/opt/citadel/scripts/backup_manager.py';

const isNode = ({ files = {} }: HostManifest): boolean => files[PROGRAM] !== undefined;

export const recovery: RoleRecovery = {
  losses: (manifest) =>
    isNode(manifest)
      ? [
          {
            what: 'logs, the history of alerts, caches and performance baselines of the node',
            fix: 'Take a new baseline: /opt/citadel/scripts/performance_baseline.py. Reports of this month begin today.',
          },
        ]
      : [],
  savedEdits: (manifest) =>
    isNode(manifest)
      ? 'citadel-rollback restore, on the node, lists backups of the old host’s configuration; this host did not make them, so look with --dry-run, then give --untrusted.'
      : undefined,
};
