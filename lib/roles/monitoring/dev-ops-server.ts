import { Construct } from 'constructs';
import { addRule, Host, type OwnProblem } from '../../constructs/host/index.js';
import { AlertmanagerServer, type AlertmanagerServerProps } from './alertmanager/index.js';
import { BlackboxExporter, type BlackboxExporterProps } from './blackbox-exporter.js';
import { GrafanaServer, type DataSource, type GrafanaServerProps } from './grafana/index.js';
import { JOBS } from '../../constructs/monitoring/metrics/jobs.js';
import { PrometheusServer, type PrometheusServerProps } from './prometheus-server.js';
import type { ScrapeTarget } from '../../constructs/monitoring/scraper.js';

/** A URL that the blackbox exporter asks. */
export interface Probe {
  readonly url: string;
  /** The host's name under `host`, and what is asked under `service`. */
  readonly labels: Readonly<Record<string, string>>;
}

export interface DevOpsServerProps {
  readonly prometheus: Omit<PrometheusServerProps, 'alertmanagers'>;
  readonly alertmanager: AlertmanagerServerProps;
  /** @default - no Grafana */
  readonly grafana?: Omit<GrafanaServerProps, 'dataSources'>;
  /** @default {} */
  readonly blackbox?: BlackboxExporterProps;
  /** What is scraped on all hosts; the servers of this construct add themselves. */
  readonly targets: readonly ScrapeTarget[];
  /** What is probed from outside; the servers of this construct add themselves. @default [] */
  readonly probes?: readonly Probe[];
  /** More rule files next to those of the host's `RuleGroup`s, by name. A function is called once the tree is complete. @default {} */
  readonly rules?: Readonly<Record<string, string | (() => string)>>;
}

/** The whole monitoring server: Prometheus, Alertmanager, a blackbox exporter and Grafana, each watching the others. */
export class DevOpsServer extends Construct {
  readonly prometheus: PrometheusServer;
  readonly alertmanager: AlertmanagerServer;
  readonly blackbox: BlackboxExporter;
  readonly grafana?: GrafanaServer;

  constructor(scope: Construct, id: string, props: DevOpsServerProps) {
    super(scope, id);
    const { hostName: host } = Host.of(this);
    const { grafana, probes = [], targets } = props;
    this.alertmanager = new AlertmanagerServer(this, 'alertmanager', props.alertmanager);
    this.prometheus = new PrometheusServer(this, 'prometheus', {
      ...props.prometheus,
      alertmanagers: [{ address: local(this.alertmanager), client: this.alertmanager.web.client }],
    });
    this.blackbox = new BlackboxExporter(this, 'blackbox', props.blackbox);
    const { prometheus, alertmanager, blackbox } = this;
    prometheus.configureJob(JOBS.prometheus, { client: prometheus.web.client });
    prometheus.configureJob(JOBS.alertmanager, { client: alertmanager.web.client });
    prometheus.configureJob(JOBS.probe, {
      prober: { address: local(blackbox), module: BlackboxExporter.HTTP_OK },
    });
    for (const target of targets) prometheus.addTarget(target);
    for (const [job, server] of Object.entries({ prometheus, alertmanager, blackbox })) {
      prometheus.addTarget({ job, address: local(server), labels: { host } });
    }
    for (const { url, labels } of probes) prometheus.addTarget({ job: JOBS.probe, address: url, labels });
    this.probe('prometheus', `${prometheus.web.localUrl}/-/healthy`, prometheus.web.isProtected);
    this.probe('alertmanager', `${alertmanager.web.localUrl}/-/healthy`, alertmanager.web.isProtected);
    for (const [name, text] of Object.entries(props.rules ?? {})) prometheus.addRules(name, text);
    if (grafana === undefined) return;
    addRule(this, () => this.hiddenFromGrafana());
    this.grafana = new GrafanaServer(this, 'grafana', { ...grafana, dataSources: this.dataSources(props) });
    prometheus.addTarget({ job: JOBS.grafana, address: local(this.grafana), labels: { host } });
    this.probe('grafana', `http://${local(this.grafana)}/api/health`, false);
  }

  /** The exporter has no account: what is protected answers 401, and its own metrics must do. */
  private probe(service: string, url: string, isProtected: boolean): void {
    if (isProtected) return;
    const { hostName: host } = Host.of(this);
    this.prometheus.addTarget({ job: JOBS.probe, address: url, labels: { host, service } });
  }

  /** Grafana's data sources have no account and no certificate authority: it would show nothing, and not say why. */
  private hiddenFromGrafana(): OwnProblem[] {
    const { prometheus, alertmanager } = this;
    return Object.entries({ prometheus, alertmanager })
      .filter(([, server]) => server.web.isProtected)
      .map(([name]) => ({
        code: 'construct.dev-ops.hidden-from-grafana',
        property: `${name}.web`,
        got: 'it asks for an account or TLS, which Grafana’s data source does not have',
        fix: 'Let the firewall alone protect it (reach), or leave Grafana out',
      }));
  }

  private dataSources(props: DevOpsServerProps): DataSource[] {
    return [
      {
        name: 'Prometheus',
        uid: 'prometheus',
        type: 'prometheus',
        url: this.prometheus.web.localUrl,
        isDefault: true,
        scrapeInterval: props.prometheus.scrapeInterval.toString(),
      },
      {
        name: 'Alertmanager',
        uid: 'alertmanager',
        type: 'alertmanager',
        url: this.alertmanager.web.localUrl,
      },
    ];
  }
}

function local(server: { readonly port: number }): string {
  return `127.0.0.1:${server.port}`;
}
