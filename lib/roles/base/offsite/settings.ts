import type { StateContribution } from '../../../site/index.js';
import { order } from '../../../text/order.js';
import { sftpTarget, type OffsiteInventory } from './schema.js';

/** What `citadel-offsite` of one host is told, next to the inventory's `offsite`. */
export interface OffsiteFacts {
  /** Name of the host in the inventory, which its snapshots have too. */
  readonly host: string;
  /** What its roles keep. */
  readonly state: readonly StateContribution[];
  /** Files that come from secrets: the inventory brings them back, so no copy holds them. */
  readonly secretFiles: readonly string[];
}

/** Password hashes, and what a package manager or the kernel makes by itself. */
const NEVER = ['/etc/gshadow', '/etc/gshadow-', '/etc/shadow', '/etc/shadow-'];

/** `/etc/citadel-offsite/settings`: lines `key value`, which the program reads and never executes. */
export function offsiteSettings(offsite: OffsiteInventory, facts: OffsiteFacts): string {
  const { keep, s3, repository } = offsite;
  const target = repository === undefined ? undefined : sftpTarget(repository);
  const data = (how: StateContribution['how']) =>
    facts.state.filter((each) => each.how === how).sort((a, b) => order(a.path, b.path));
  const lines = [
    `host ${facts.host}`,
    `keep ${keep.daily} ${keep.weekly} ${keep.monthly}`,
    `parts ${offsite.checkParts}`,
    ...(offsite.appendOnly ? ['append-only yes'] : []),
    ...(s3?.region === undefined ? [] : [`s3-region ${s3.region}`]),
    ...(target === undefined ? [] : [`ssh -p ${target.port} ${target.user}@${target.host}`]),
    ...['/etc', ...offsite.paths].sort(order).map((path) => `path ${path}`),
    ...(['files', 'prometheus', 'sqlite'] as const).flatMap((how) =>
      data(how).map(({ owner, unit, path }) => `${how} ${owner} ${unit} ${path}`),
    ),
    ...[...new Set([...NEVER, ...facts.secretFiles, ...offsite.exclude])]
      .sort(order)
      .map((path) => `exclude ${pattern(path)}`),
    ...sheet(offsite),
  ];
  return lines.map((line) => `${line}\n`).join('');
}

/** For the recovery sheet, names only. */
function sheet({ repository, password, s3, sftp }: OffsiteInventory): string[] {
  const keys = [s3?.accessKey, s3?.secretKey, sftp?.key].filter((each) => each !== undefined);
  return [
    `password-name ${password}`,
    ...(repository === undefined ? [] : ['repository-is-public yes']),
    `keys ${keys.length === 0 ? 'none' : `secrets ${keys.join(', ')} of the inventory`}`,
  ];
}

/** A path that stands for itself where restic expects a pattern, in which environment variables are replaced too. */
function pattern(path: string): string {
  return path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`).replaceAll('$', '$$$$');
}
