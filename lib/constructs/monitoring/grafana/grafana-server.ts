import { Construct } from 'constructs';
import { renderYaml } from '../../../render/index.js';
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
} from '../../host/index.js';
import type { SecretRef } from '../../secret.js';
import { Duration } from '../../units.js';
import { dashboardsConfig, dataSourcesConfig, type DataSource } from './provisioning.js';
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
  readonly dataSources: readonly DataSource[];
  /** Dashboards as JSON texts, by file name without `.json`. @default {} */
  readonly dashboards?: Readonly<Record<string, string>>;
}

/** A repository with its key, or a `.deb` that stands on the host. */
export type GrafanaSource =
  { readonly repository: AptRepositoryProps } | { readonly file: string; readonly version?: string };

const ETC = '/etc/grafana';
const DASHBOARDS = `${ETC}/dashboards`;

/**
 * Grafana, with everything in it provisioned from files: data sources, dashboards. Nobody gets in without an account; alerts
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
    if ('repository' in props.source) {
      new AptRepository(this, 'repository', { name: 'grafana', ...props.source.repository });
      new AptPackage(this, 'package', { name: 'grafana' });
    } else {
      const { file, version } = props.source;
      new AptPackage(this, 'package', {
        name: 'grafana',
        source: file,
        ...(version !== undefined && { version }),
      });
    }
    const group = { owner: 'root', group: 'grafana' };
    const password = new HostFile(this, 'admin-password', {
      path: `${ETC}/admin-password`,
      ...group,
      mode: '0640',
      secret: props.adminPassword,
    });
    const ini = new HostFile(this, 'ini', {
      path: `${ETC}/grafana.ini`,
      ...group,
      mode: '0640',
      content: grafanaIni({ port: this.port, rootUrl: props.rootUrl, passwordFile: password.path }),
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
    const unit = SystemdUnit.forPackageUnit(this, 'unit', {
      name: 'grafana-server.service',
      restartOn: [ini, sources, provider],
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach: props.reach });
    new HealthCheck(this, 'healthy', {
      name: 'grafana',
      probe: { http: `http://127.0.0.1:${this.port}/api/health` },
      // Its first start makes a database.
      timeout: Duration.minutes(2),
    });
    addRule(this, () => dashboardProblems(props.dashboards ?? {}));
  }

  private file(id: string, path: string, content: () => string): HostFile {
    return new HostFile(this, id, { path, owner: 'root', group: 'grafana', mode: '0640', content });
  }
}

/** Two dashboards with one uid: Grafana would show the one it read last. */
function dashboardProblems(dashboards: Readonly<Record<string, string>>): OwnProblem[] {
  const byUid = new Map<string, string>();
  return Object.entries(dashboards)
    .sort(([a], [b]) => (a < b ? -1 : 1))
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
