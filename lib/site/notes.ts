import { RootConstruct } from 'constructs';
import { plural } from '../text/plural.js';
import type { ContributionKind } from './contributions.js';
import { Fleet, type FleetInventory } from './fleet.js';
import type { Role } from './role.js';

/** Said of themselves, and of use only where something else is there. */
const MUTE: ReadonlySet<ContributionKind> = new Set([
  'scraper',
  'client',
  'model-server',
  'model-client',
  'disks',
  'endpoint',
  'metrics',
  'dashboard-import',
  'state',
]);

/** One line for each kind of contribution of each role that no role reads. */
export function contributionNotes(roles: readonly Role[], inventory: FleetInventory): string[] {
  const fleet = new Fleet(new RootConstruct(), inventory);
  const read = new Set<ContributionKind>([
    ...MUTE,
    ...roles.flatMap(({ consumes }) => consumes?.(inventory) ?? []),
  ]);
  return roles.flatMap(({ name, contribute }) => {
    const counts = new Map<ContributionKind, number>();
    for (const { kind } of contribute?.(fleet) ?? []) {
      if (!read.has(kind)) counts.set(kind, (counts.get(kind) ?? 0) + 1);
    }
    return [...counts].map(
      ([kind, count]) =>
        `the role "${name}" contributes ${named(kind, count)}, which no host of this inventory reads`,
    );
  });
}

function named(kind: ContributionKind, count: number): string {
  return kind === 'alerts'
    ? plural(count, 'group of alerts', 'groups of alerts')
    : plural(count, kind.replaceAll('-', ' '));
}
