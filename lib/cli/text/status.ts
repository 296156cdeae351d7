import type { HostStatus } from '../../engine/model.js';
import { visible, type Style } from './style.js';
import { table } from './table.js';

/** A row for each host. */
export function statusText(
  found: readonly { readonly host: string; readonly value: HostStatus }[],
  style: Style,
): string {
  if (found.length === 0) return '';
  const rows = found.map(({ host, value }) => [
    host,
    value.generation === null ? 'none' : String(value.generation),
    value.appliedAgeSec === undefined ? '-' : `${ageText(value.appliedAgeSec)} ago`,
    visible(value.commit?.replace(/^([0-9a-f]{12})[0-9a-f]*/, '$1') ?? '-'),
    driftText(value),
    backupText(value.backups),
    [openText(value), ...(value.reboot.length > 0 ? ['reboot'] : [])]
      .filter((text) => text !== '')
      .join(', ') || '-',
  ]);
  return table(['host', 'generation', 'applied', 'commit', 'drift', 'backup', 'owed'], rows, style);
}

function driftText({ drift, generation }: HostStatus): string {
  if (drift === null) return 'not known';
  const age = `${ageText(drift.ageSec)} ago`;
  if (drift.generation !== null && drift.generation !== generation) return `not compared since (${age})`;
  return drift.items === 0 ? `none (${age})` : `${String(drift.items)} (${age})`;
}

function backupText(backups: HostStatus['backups']): string {
  const all = Object.entries(backups);
  if (all.length === 0) return '-';
  const ages = all.flatMap(([, { ageSec }]) => (ageSec === null ? [] : [ageSec]));
  const overdue = all.filter(([, each]) => each.overdue).map(([kind]) => visible(kind));
  const newest = ages.length === 0 ? 'none' : `${ageText(Math.min(...ages))} ago`;
  return overdue.length === 0 ? newest : `${newest}; overdue: ${overdue.join(', ')}`;
}

function openText({ open }: HostStatus): string {
  if (open === null) return '';
  if (open.running) return `apply of ${visible(open.who)} is running`;
  return 'unfinished transaction: resolve';
}

/** Two days and more in days, two hours and more in hours, else minutes or seconds. */
export function ageText(seconds: number): string {
  if (seconds >= 2 * 86_400) return `${String(Math.floor(seconds / 86_400))} d`;
  if (seconds >= 2 * 3600) return `${String(Math.floor(seconds / 3600))} h`;
  if (seconds >= 120) return `${String(Math.floor(seconds / 60))} min`;
  return `${String(seconds)} s`;
}
