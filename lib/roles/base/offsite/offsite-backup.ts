import { Construct } from 'constructs';
import { AptPackage, Directory, Host, HostFile } from '../../../constructs/host/index.js';
import { ScheduledJob } from '../../../constructs/debian/scheduled-job.js';
import { NodeExporter } from '../../../constructs/monitoring/node-exporter.js';
import { HARDENED, TemplateTree } from '../../../constructs/operations/index.js';
import { secret, type SecretRef } from '../../../constructs/secret.js';
import { Duration } from '../../../constructs/units.js';
import { words } from '../../../render/index.js';
import type { StateContribution } from '../../../site/index.js';
import { sftpTarget, type OffsiteInventory } from './schema.js';
import { offsiteSettings } from './settings.js';

export interface OffsiteBackupProps {
  readonly offsite: OffsiteInventory;
  /** What the roles of this host keep. @default [] */
  readonly state?: readonly StateContribution[];
}

const PROGRAM = '/usr/local/sbin/citadel-offsite';
const PARTS = '/usr/local/lib/citadel-offsite/restore.sh';
const ETC = '/etc/citadel-offsite';
const EXPECTED = `${NodeExporter.TEXTFILES}/citadel-offsite-expected.prom`;
const CHECK_MAX_AGE = Duration.days(9);

/**
 * Keeps the host's configuration and its roles' data in a restic repository: a program, what it is told, its secrets in files that
 * root alone reads, and timers for snapshots and checks.
 */
export class OffsiteBackup extends Construct {
  /** Of `templates/base`: only what hosts with `offsite` get. */
  static readonly PROGRAMS: readonly string[] = [PROGRAM, PARTS];

  constructor(scope: Construct, id: string, props: OffsiteBackupProps) {
    super(scope, id);
    const { offsite, state = [] } = props;
    const host = Host.of(this);
    new AptPackage(this, 'restic');
    if (state.some(({ how }) => how === 'sqlite')) new AptPackage(this, 'sqlite3');
    new TemplateTree(this, 'program', { from: 'base', only: OffsiteBackup.PROGRAMS });
    new Directory(this, 'etc', { path: ETC, mode: '0700' });
    const settings: HostFile = new HostFile(this, 'settings', {
      path: `${ETC}/settings`,
      mode: '0600',
      content: () =>
        offsiteSettings(offsite, { host: host.hostName, state, secretFiles: secretFilesOf(host, settings) }),
    });
    this.addAccess(offsite);
    new HostFile(this, 'expected', {
      path: EXPECTED,
      content: expectedMetrics(offsite),
    });
    this.addJobs(offsite, state);
  }

  /** How the store is reached: the address, the password, and keys, each in a file of its own. */
  private addAccess({ repository, repositorySecret, password, s3, sftp }: OffsiteInventory): void {
    const file = (name: string, content: string) =>
      new HostFile(this, name, { path: `${ETC}/${name}`, mode: '0600', content });
    const address = repositorySecret === undefined ? repository : secret(repositorySecret);
    file('repository', line(address));
    file('password', line(secret(password)));
    if (s3 !== undefined) {
      file('s3-access-key', line(secret(s3.accessKey)));
      file('s3-secret-key', line(secret(s3.secretKey)));
    }
    const target = repository === undefined ? undefined : sftpTarget(repository);
    if (sftp === undefined || target === undefined) return;
    new AptPackage(this, 'openssh-client');
    file('ssh-key', line(secret(sftp.key)));
    const name = target.port === 22 ? target.host : `[${target.host}]:${target.port}`;
    file('known-hosts', sftp.hostKeys.map((key) => `${name} ${key}\n`).join(''));
  }

  private addJobs(offsite: OffsiteInventory, state: readonly StateContribution[]): void {
    const folder = offsite.repository?.startsWith('/') === true ? offsite.repository : undefined;
    // Copies are made next to the data, by the account that owns it.
    const copied = state.flatMap(({ how, path }) =>
      how === 'files' ? [] : [how === 'sqlite' ? path.slice(0, path.lastIndexOf('/')) : path],
    );
    if (folder !== undefined) new Directory(this, 'repository-folder', { path: folder, mode: '0700' });
    const service = {
      ...HARDENED,
      // Everybody's files are read; what is written into a service's folder is written as that service.
      CapabilityBoundingSet: `CAP_DAC_READ_SEARCH${copied.length > 0 ? ' CAP_SETUID CAP_SETGID' : ''}`,
      ProtectHome: 'read-only',
      RestrictAddressFamilies: 'AF_UNIX AF_INET AF_INET6',
      StateDirectory: 'citadel-offsite',
      CacheDirectory: 'citadel-offsite',
      ReadWritePaths: words([
        NodeExporter.TEXTFILES,
        ...(folder === undefined ? [] : [folder]),
        ...[...new Set(copied)].sort().map((path) => `-${path}`),
      ]),
      UMask: '0077',
      Nice: 10,
      IOSchedulingClass: 'idle',
    } as const;
    const job = (id: 'backup' | 'check', schedule: string, timeout: Duration): void => {
      const { service: unit } = new ScheduledJob(this, id, {
        name: id === 'backup' ? 'citadel-offsite' : 'citadel-offsite-check',
        command: [PROGRAM, id],
        schedule,
        spread: Duration.minutes(30),
        timeout,
        service,
      });
      unit.addDropIn('store', {
        unit: {
          After: 'network-online.target',
          Wants: 'network-online.target',
          // A disk that is not there is no empty repository.
          ...(folder === undefined ? {} : { RequiresMountsFor: words([folder]) }),
        },
      });
    };
    const every = offsite.everyHours;
    job('backup', every === 24 ? '*-*-* 03:00' : `*-*-* 00/${every}:00`, Duration.hours(12));
    job('check', 'Sun *-*-* 05:00', Duration.hours(24));
  }
}

/** What alerts compare with: a run and a half, and the time that one may take. */
function expectedMetrics({ everyHours }: OffsiteInventory): string {
  const family = (name: string, help: string, value: number) =>
    `# HELP ${name} ${help}\n# TYPE ${name} gauge\n${name} ${value}\n`;
  return [
    family(
      'citadel_offsite_max_age_seconds',
      'How old the newest off-site snapshot may become.',
      Duration.hours(everyHours * 1.5 + 2).toSeconds(),
    ),
    family(
      'citadel_offsite_check_max_age_seconds',
      'How long ago the off-site repository may last have been found whole.',
      CHECK_MAX_AGE.toSeconds(),
    ),
  ].join('');
}

function secretFilesOf(host: Host, except: HostFile): string[] {
  return host.node
    .findAll()
    .filter((each) => each instanceof HostFile)
    .filter((file) => file !== except && file.holdsSecret)
    .map(({ path }) => path);
}

function line(text: SecretRef | string | undefined): string {
  return `${text === undefined ? '' : text.toString()}\n`;
}
