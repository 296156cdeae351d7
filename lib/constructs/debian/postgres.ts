import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import type { SecretRef } from '../secret.js';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, unknownProps, type Names } from '../host/known-props.js';
import { PackageUnit } from '../host/package-unit.js';
import type { PortReach } from '../host/port.js';
import { addRule } from '../host/problems.js';
import { SystemdUnit } from '../host/unit.js';
import { requireForm } from './forms.js';
import { RunOnce } from './run-once.js';
import { sharedPackage } from './shared-unit.js';

/** Who may log in, from where, and how: one line of pg_hba.conf, in its words. */
export interface PostgresAccess {
  /** @default 'all' */
  readonly database?: string;
  readonly user: string;
  /** Address with its network: `10.0.0.0/8`. */
  readonly from: string;
  /** @default 'scram-sha-256' */
  readonly method?: 'scram-sha-256' | 'cert' | 'reject' | 'trust';
}

export interface PostgresServerProps {
  /** 15 on Debian 12, 17 on Debian 13, or what another repository has. */
  readonly version: number;
  /** Parameters of postgresql.conf: `{ shared_buffers: '1GB', max_connections: 200 }`. @default {} */
  readonly settings?: Readonly<Record<string, string | number | boolean>>;
  /** Logins over the network, in this order; those on the host itself stay as Debian has them. @default [] */
  readonly access?: readonly PostgresAccess[];
  /** The port, and who may reach it; `loopback` unless `listen_addresses` of the settings says more. @default 5432, from loopback */
  readonly listen?: { readonly port?: number; readonly from: PortReach };
}

const NAMES: Names<PostgresServerProps> = { version: true, settings: true, access: true, listen: true };
const ACCESS: Names<PostgresAccess> = { database: true, user: true, from: true, method: true };

/**
 * PostgreSQL: Debian's package and its cluster `main`, settings of ours, roles and databases. A `Mount` at /var/lib/postgresql is
 * mounted before the package makes the cluster, which then lies on that disk. PostgreSQL reads the settings before anything is replaced.
 *
 *     const db = new PostgresServer(host, 'db', { version: 17, settings: { shared_buffers: '1GB' } });
 *     const app = db.role('app', { password: secret('app_db') });
 *     db.database('app', { owner: app });
 *
 * Roles and databases are made where they are missing, and never taken away: their data would go with them.
 */
export class PostgresServer extends Construct {
  readonly unit: PackageUnit;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PostgresServerProps,
  ) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { version, settings = {}, access = [], listen = { from: 'loopback' } } = props;
    requireForm(this, 'version', version, /^[1-9]\d$/, 'a major version', 'Give a number such as 17');
    for (const [key, value] of Object.entries(settings)) {
      requireForm(
        this,
        'settings',
        key,
        /^[a-z_]+(?:\.[a-z_]+)?$/,
        'a parameter',
        'Write it as postgresql.conf does',
      );
      requireForm(this, `settings.${key}`, String(value), /^\P{Cc}*$/u, 'a value of one line', 'Give one');
    }
    addRule(this, () => access.flatMap((each, index) => unknownProps(each, ACCESS, `access[${index}]`)));
    access.forEach((each, index) => {
      const at = `access[${index}]`;
      requireForm(this, `${at}.user`, each.user, WORD, 'a role, or "all"', 'Give one name');
      requireForm(this, `${at}.database`, each.database, WORD, 'a database, or "all"', 'Give one name');
      requireForm(
        this,
        `${at}.from`,
        each.from,
        /^[0-9A-Fa-f.:]+\/\d{1,3}$/,
        'a network',
        'Write it as 10.0.0.0/8',
      );
    });
    sharedPackage(Host.of(this), `postgresql-${String(version)}`);
    const folder = `/etc/postgresql/${String(version)}/main`;
    const program = `/usr/lib/postgresql/${String(version)}/bin/postgres`;
    const conf = new HostFile(this, 'settings', {
      path: `${folder}/conf.d/citadel.conf`,
      lines: Object.entries({ ...(listen.port === undefined ? {} : { port: listen.port }), ...settings }).map(
        ([key, value]) => `${key} = ${quoted(value)}`,
      ),
      validate: {
        // It refuses to run as root.
        command: [
          'runuser',
          '-u',
          'postgres',
          '--',
          program,
          '-C',
          'port',
          `--config-file=${folder}/postgresql.conf`,
        ],
      },
    });
    const hba = new HostFile(this, 'access', {
      path: `${folder}/pg_hba.conf`,
      lines: [
        ...DEBIAN_ACCESS,
        ...access.map(({ database = 'all', user, from, method = 'scram-sha-256' }) =>
          ['host', database, user, from, method].join(' '),
        ),
      ],
      owner: 'postgres',
      group: 'postgres',
      mode: '0640',
    });
    this.unit = new PackageUnit(this, 'unit', {
      name: `postgresql@${String(version)}-main.service`,
      // A generator starts it at boot, by start.conf of the cluster.
      enabled: null,
      restartOn: [conf],
      reloadOn: [hba],
    });
    this.unit.listen(listen.port ?? 5432, { from: listen.from });
  }

  /**
   * A role that may log in, made where it is missing.
   *
   * @param options.password set at each change of it; without one, it logs in on the host by its user's name alone
   * @returns the job that makes it, for `owner` of a database
   */
  role(name: string, options: { readonly password?: SecretRef } = {}): RunOnce {
    requireForm(this, `role(${JSON.stringify(name)})`, name, SQL_NAME, 'a role', 'Use a-z, 0-9 and "_"');
    const role = new RunOnce(this, `role-${name}`, {
      command: ['createuser', ...this.port(), '--', name],
      unless: this.question(`SELECT 1 FROM pg_roles WHERE rolname = '${name}'`),
      leaves: `the role ${name}`,
      user: 'postgres',
      after: [this.unit],
    });
    if (options.password === undefined) return role;
    const own = { owner: 'postgres', group: 'postgres', mode: '0600' };
    const password = new HostFile(role, 'password', {
      path: `/etc/postgresql/citadel-${name}.password`,
      secret: options.password,
      ...own,
    });
    const text = new HostFile(role, 'sql', {
      path: `/etc/postgresql/citadel-${name}.sql`,
      // psql reads the file itself: the password stands in no argument and in no log of the server.
      lines: [
        `\\set password \`cat ${password.path}\``,
        'SET log_statement = none;',
        `ALTER ROLE ${name} PASSWORD :'password';`,
      ],
      ...own,
    });
    new SystemdUnit(role, 'set-password', {
      name: `citadel-postgres-${name}.service`,
      unit: {
        Description: `Password of the role ${name}`,
        After: role.unit.unitName,
        Requires: role.unit.unitName,
      },
      service: {
        Type: 'oneshot',
        RemainAfterExit: true,
        User: 'postgres',
        ExecStart: exec([
          '/usr/bin/psql',
          ...this.port(),
          '-X',
          '-q',
          '-v',
          'ON_ERROR_STOP=1',
          '-f',
          text.path,
        ]),
      },
      install: { WantedBy: 'multi-user.target' },
      restartOn: [password, text],
      wave: 2,
    });
    return role;
  }

  /** A database, made where it is missing. @param options.owner @default - the role postgres */
  database(name: string, options: { readonly owner?: RunOnce } = {}): RunOnce {
    requireForm(
      this,
      `database(${JSON.stringify(name)})`,
      name,
      SQL_NAME,
      'a database',
      'Use a-z, 0-9 and "_"',
    );
    const owner = options.owner?.node.id.replace(/^role-/, '');
    return new RunOnce(this, `database-${name}`, {
      command: ['createdb', ...this.port(), ...(owner === undefined ? [] : [`--owner=${owner}`]), '--', name],
      unless: this.question(`SELECT 1 FROM pg_database WHERE datname = '${name}'`),
      leaves: `the database ${name} with all of its data`,
      user: 'postgres',
      after: [this.unit, ...(options.owner === undefined ? [] : [options.owner.unit])],
      wave: 2,
    });
  }

  private port(): string[] {
    return this.props.listen?.port === undefined ? [] : ['-p', String(this.props.listen.port)];
  }

  private question(sql: string): string[] {
    return ['/bin/sh', '-c', 'test "$(psql "$@")" = 1', 'psql', ...this.port(), '-XtAc', sql];
  }
}

const SQL_NAME = /^[a-z_][a-z0-9_]{0,62}$/;
const WORD = /^[A-Za-z_][A-Za-z0-9_-]*$/;

/** What Debian's package writes: the host's own users by their names, and passwords over loopback. */
const DEBIAN_ACCESS = [
  'local all postgres peer',
  'local all all peer',
  'host all all 127.0.0.1/32 scram-sha-256',
  'host all all ::1/128 scram-sha-256',
  'local replication all peer',
  'host replication all 127.0.0.1/32 scram-sha-256',
  'host replication all ::1/128 scram-sha-256',
];

/** postgresql.conf: single quotes around what is not a plain number, doubled within, and backslashes as well. */
function quoted(value: string | number | boolean): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  return `'${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
}
