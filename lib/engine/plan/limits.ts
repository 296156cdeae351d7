import type { Change, HostPlan } from '../model.js';

/**
 * What going back to an earlier generation cannot take back, in sentences; said before anything is touched. The host's
 * own `citadel-rollback` says the same.
 */
export function rollbackLimits(plan: Pick<HostPlan, 'manifest' | 'changes'>): string[] {
  if (plan.changes.length === 0) return [];
  const edited = plan.changes
    .filter(({ cause, action }) => cause !== 'config' && action !== 'create')
    .map(({ key }) => key);
  return [
    ...plan.changes.flatMap((change) => limitsOf(plan, change)),
    ...(edited.length === 0
      ? []
      : [`changed by hand since the last apply, and overwritten: ${edited.join(', ')}`]),
    'what programs have written since stays as it is: models, backups, databases, logs, files in home directories',
  ];
}

/** What of one change cannot be taken back: at most one sentence. */
export function limitsOf(plan: Pick<HostPlan, 'manifest'>, { section, key, action }: Change): string[] {
  const leaves = action === 'delete';
  switch (section) {
    case 'packages': {
      if (leaves)
        return [
          `package ${key} is removed; its configuration files stay, and what its scripts did is not undone`,
        ];
      const { version, source } = plan.manifest.packages?.[key] ?? {};
      if (source !== undefined)
        return [`package ${key} is installed from ${source}, if that file is still there`];
      return version === undefined
        ? [`package ${key} comes back in the version that the host’s package sources have now`]
        : [
            `package ${key} ${version} comes back only if the host’s package sources still offer it; if not, nothing of this rollback will stay`,
          ];
    }
    case 'users':
      if (leaves) return [`user ${key} goes; the home directory and its files stay`];
      return action === 'create'
        ? [`user ${key} comes back without a password, with the home directory that is there now`]
        : [];
    case 'mounts':
      return [`${key} is ${leaves ? 'unmounted' : 'mounted again'}; what is on the disk stays as it is`];
    default:
      return [];
  }
}
