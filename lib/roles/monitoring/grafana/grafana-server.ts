import { Construct } from 'constructs';
import { loadTemplate, renderYaml } from '../../../render/index.js';
import {
  addRule,
  AptPackage,
  AptRepository,
  Directory,
  HealthCheck,
  Host,
  HostFile,
  Port,
  SystemdUnit,
  type AptRepositoryProps,
  type OwnProblem,
  type PortReach,
} from '../../../constructs/host/index.js';
import { RunOnce } from '../../../constructs/debian/index.js';
import type { SecretRef } from '../../../constructs/secret.js';
import { Duration } from '../../../constructs/units.js';
import { byKey } from '../../../text/order.js';
import { dashboardsConfig, dataSourcesConfig, type DataSource } from './provisioning.js';
import { accessSecrets, SECRETS, secretFile, type GrafanaAccess } from './access.js';
import { grafanaIni } from './ini.js';

export interface GrafanaServerProps {
  /** @default 3000 */
  readonly port?: number;
  /** Who may use its web interface and API. */
  readonly reach: PortReach;
  /** Address that people reach it at: `http://192.168.10.36:3000`. */
  readonly rootUrl: string;
  /** Where the package comes from: Grafana is in no Debian suite. */
  readonly source: GrafanaSource;
  /** Password of the account `admin`. Grafana takes it at its first start; later it is changed in Grafana itself. */
  readonly adminPassword: SecretRef;
  /**
   * Password of the account `citadel-import`, an editor: whoever has it imports dashboards and changes them, and does nothing else. It is made
   * when Grafana has started, and has this password from then on. @default - there is no such account
   */
  readonly importPassword?: SecretRef;
  readonly dataSources: readonly DataSource[];
  /** Dashboards as JSON texts, by file name without `.json`. @default {} */
  readonly dashboards?: Readonly<Record<string, string>>;
  /** Who gets in besides `admin`. @default {} */
  readonly access?: GrafanaAccess;
}

/** A repository with its key, or a `.deb` that stands on the host. Without a version it is the newest of the repository. */
export type GrafanaSource = { readonly version?: string } & (
  { readonly repository: AptRepositoryProps } | { readonly file: string }
);

const ETC = '/etc/grafana';
const SOURCES_PROGRAM = '/usr/local/lib/citadel/grafana-sources';
const EDITOR_PROGRAM = '/usr/local/lib/citadel/grafana-editor';
const DASHBOARDS = `${ETC}/dashboards`;

/** The account that dashboards are imported with. */
export const IMPORT_USER = 'citadel-import';

/**
 * Grafana, with everything in it provisioned from files: data sources, dashboards. No one gets in without an account; alerts
 * are Prometheus's and Alertmanager's business, so its own are off.
 */
export class GrafanaServer extends Construct {
  readonly port: number;

  constructor(scope: Construct, id: string, props: GrafanaServerProps) {
    super(scope, id);
    this.port = props.port ?? 3000;
    const host = Host.of(this);
    host.addAssumedUser('grafana');
    host.addAssumedGroup('grafana');
    const { version } = props.source;
    const pinned = version === undefined ? {} : { version };
    if ('repository' in props.source) {
      new AptRepository(this, 'repository', { name: 'grafana', ...props.source.repository });
      new AptPackage(this, 'package', { name: 'grafana', ...pinned });
    } else {
      new AptPackage(this, 'package', { name: 'grafana', source: props.source.file, ...pinned });
    }
    const group = { owner: 'root', group: 'grafana' };
    const password = new HostFile(this, 'admin-password', {
      path: `${ETC}/admin-password`,
      ...group,
      mode: '0640',
      secret: props.adminPassword,
    });
    const { access = {} } = props;
    const secrets = accessSecrets(access).map(
      (secret) =>
        new HostFile(this, `secret-${secret.name}`, {
          path: secretFile(secret),
          ...group,
          mode: '0640',
          secret,
        }),
    );
    if (secrets.length > 0) new Directory(this, 'secrets', { path: SECRETS, ...group, mode: '0750' });
    const ini = new HostFile(this, 'ini', {
      path: `${ETC}/grafana.ini`,
      ...group,
      mode: '0640',
      content: () =>
        grafanaIni({ port: this.port, rootUrl: props.rootUrl, passwordFile: password.path, access }),
    });
    const sources = this.file('datasources', `${ETC}/provisioning/datasources/citadel.yaml`, () =>
      renderYaml(dataSourcesConfig(props.dataSources)),
    );
    const provider = this.file('dashboards', `${ETC}/provisioning/dashboards/citadel.yaml`, () =>
      renderYaml(dashboardsConfig('Citadel', DASHBOARDS)),
    );
    new Directory(this, 'dashboard-files', { path: DASHBOARDS, ...group, mode: '0750' });
    for (const [name, text] of Object.entries(props.dashboards ?? {})) {
      new HostFile(this, `dashboard-${name}`, {
        path: `${DASHBOARDS}/${name}.json`,
        ...group,
        mode: '0640',
        content: text,
        validate: 'json',
      });
    }
    const unit = SystemdUnit.fromPackage(this, 'unit', {
      name: 'grafana-server.service',
      restartOn: [ini, sources, provider, ...secrets],
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach: props.reach });
    new HealthCheck(this, 'healthy', {
      name: 'grafana',
      probe: { http: `http://127.0.0.1:${this.port}/api/health` },
      // Its first start makes a database.
      timeout: Duration.minutes(2),
    });
    this.addSourcesCheck(props.dataSources, password.path);
    if (props.importPassword !== undefined) this.addImporter(props.importPassword, password, unit);
    addRule(this, () => dashboardProblems(props.dashboards ?? {}));
  }

  /** Its own health is that of its database. */
  private addSourcesCheck(sources: readonly DataSource[], password: string): void {
    // Alertmanager's has no part on the server that could be asked.
    const asked = sources.filter(({ type }) => type === 'prometheus').map(({ uid }) => uid);
    if (asked.length === 0) return;
    this.addCurl();
    new HostFile(this, 'sources-program', {
      path: SOURCES_PROGRAM,
      content: loadTemplate(`dev-ops${SOURCES_PROGRAM}`).text,
      mode: '0755',
    });
    new HealthCheck(this, 'sources', {
      name: 'grafana-sources',
      probe: { command: [SOURCES_PROGRAM, `http://127.0.0.1:${this.port}`, password, ...asked.sort()] },
      timeout: Duration.minutes(2),
    });
  }

  /** Grafana takes no accounts from files. */
  private addImporter(secret: SecretRef, admin: HostFile, grafana: { readonly unitName: string }): void {
    const password = new HostFile(this, 'import-password', {
      path: `${ETC}/import-password`,
      owner: 'root',
      group: 'grafana',
      mode: '0640',
      secret,
    });
    const program = new HostFile(this, 'editor-program', {
      path: EDITOR_PROGRAM,
      content: loadTemplate(`dev-ops${EDITOR_PROGRAM}`).text,
      mode: '0755',
    });
    this.addCurl();
    const account = [`http://127.0.0.1:${this.port}`, IMPORT_USER, password.path];
    const { unit } = new RunOnce(this, 'grafana-importer', {
      command: [EDITOR_PROGRAM, 'make', ...account, admin.path],
      unless: [EDITOR_PROGRAM, 'is', ...account],
      leaves: `the account ${IMPORT_USER} in Grafana`,
      user: 'grafana',
      after: [grafana],
    });
    unit.addRestartOn(password, admin, program);
  }

  /** For the programs that ask Grafana. */
  private addCurl(): void {
    if (this.node.tryFindChild('curl') === undefined) new AptPackage(this, 'curl');
  }

  private file(id: string, path: string, content: () => string): HostFile {
    return new HostFile(this, id, { path, owner: 'root', group: 'grafana', mode: '0640', content });
  }
}

/** Two dashboards with one uid: Grafana would show the one it read last. */
function dashboardProblems(dashboards: Readonly<Record<string, string>>): OwnProblem[] {
  const byUid = new Map<string, string>();
  return Object.entries(dashboards)
    .sort(byKey)
    .flatMap(([name, text]): OwnProblem[] => {
      const property = `dashboards.${name}`;
      const uid = uidOf(text);
      if (uid === NO_DASHBOARD) {
        return [
          {
            code: 'construct.grafana.dashboard',
            property,
            got: 'it is not a JSON object',
            fix: 'Give the text of a dashboard as Grafana exports it',
          },
        ];
      }
      if (typeof uid !== 'string' || !/^[A-Za-z0-9_-]{1,40}$/.test(uid)) {
        return [
          {
            code: 'construct.grafana.uid',
            property,
            got:
              uid === undefined
                ? 'it has no uid, and Grafana would give it another at every start'
                : `${JSON.stringify(uid)} is not a uid that stays`,
            fix: 'Give 1 to 40 letters, digits, "_" and "-"',
          },
        ];
      }
      const other = byUid.get(uid);
      byUid.set(uid, name);
      if (other === undefined) return [];
      return [
        {
          code: 'construct.grafana.duplicate-uid',
          property,
          got: `the uid "${uid}" is that of the dashboard "${other}" as well`,
          fix: 'Give each dashboard a uid of its own',
        },
      ];
    });
}

const NO_DASHBOARD = Symbol('no dashboard');

function uidOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return NO_DASHBOARD;
    return (value as { uid?: unknown }).uid;
  } catch {
    return NO_DASHBOARD;
  }
}
