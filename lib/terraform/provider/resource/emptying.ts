import type { Change, HostPlan } from '../../../engine/model.js';
import { SECTIONS } from '../../../manifest/schema.js';
import { plural } from '../../../text/plural.js';

/**
 * What happens on a host that is emptied, the gravest first: what stops, whether the firewall goes off, what is removed.
 *
 * @returns `undefined` for every other plan, and where there is nothing to take away
 */
export function emptyingSummary(plan: HostPlan): string | undefined {
  const declared = SECTIONS.some((section) => Object.keys(plan.manifest[section] ?? {}).length > 0);
  if (declared || plan.changes.length === 0) return undefined;
  const stopped = plan.unitActions.filter(({ verb }) => verb === 'stop').map(({ unit }) => unit);
  const leaving = (section: Change['section'], action: Change['action'] = 'delete'): string[] =>
    plan.changes.filter((it) => it.section === section && it.action === action).map(({ key }) => key);
  const firewall = [...stopped, ...leaving('units')].some((unit) => unit === 'nftables.service');
  const packages = leaving('packages');
  const users = leaving('users');
  const back = (['files', 'symlinks', 'directories'] as const).flatMap((it) => leaving(it, 'update'));
  const lines = [
    stopped.length > 0 && `${plural(stopped.length, 'unit')} stopped: ${stopped.join(', ')}`,
    firewall && 'the firewall goes off: nothing of ours limits who reaches the host any more',
    packages.length > 0 && `${plural(packages.length, 'package')} removed: ${packages.join(', ')}`,
    users.length > 0 && `${plural(users.length, 'account')} removed: ${users.join(', ')}`,
    ...(['files', 'directories', 'symlinks', 'mounts'] as const).map((section) => {
      const count = leaving(section).length;
      return count > 0 && `${plural(count, NOUN[section], MANY[section])} removed`;
    }),
    back.length > 0 && `${plural(back.length, 'path')} put back as it was before it was managed`,
  ];
  return lines
    .filter((line) => line !== false)
    .map((line) => `- ${line}`)
    .join('\n');
}

const NOUN = { files: 'file', directories: 'directory', symlinks: 'link', mounts: 'mount' } as const;
const MANY = { files: 'files', directories: 'directories', symlinks: 'links', mounts: 'mounts' } as const;
