import { Construct } from 'constructs';
import { renderYaml, type DataValue } from '../../render/index.js';
import {
  AptPackage,
  Directory,
  HealthCheck,
  Host,
  HostFile,
  Port,
  SystemdUnit,
  type PackageUnit,
  type PortReach,
} from '../../constructs/host/index.js';
import type { SecretRef } from '../../constructs/secret.js';
import type { Duration, Size } from '../../constructs/units.js';
import { by, byKey } from '../../text/order.js';
import { ConfigurationCheck } from './configuration-check.js';
import { DaemonArguments } from '../../constructs/monitoring/daemon-arguments.js';
import { RuleGroup } from '../../constructs/monitoring/rules/index.js';
import { markScraper, type Scraper, type ScrapeTarget } from '../../constructs/monitoring/scraper.js';
import { reloadWait, scrapeConfigs, targetGroups, TARGETS, targetsFile, type ScrapeJob } from './scrape.js';
import { WebConfig, type ClientConfig, type WebConfigProps } from './web-config.js';

export interface PrometheusServerProps {
  /** @default 9090 */
  readonly port?: number;
  /** Who may use its web interface and API. */
  readonly reach: PortReach;
  readonly scrapeInterval: Duration;
  /** How often rules are evaluated. @default - the scrape interval */
  readonly evaluationInterval?: Duration;
  /** Labels of everything that leaves this server: alerts, remote writes. @default {} */
  readonly externalLabels?: Readonly<Record<string, string>>;
  /** Address that people reach it at, for links in alerts. @default - the host's name and port */
  readonly externalUrl?: string;
  /** How long samples are kept. */
  readonly retention: Duration;
  /** The oldest samples go first above this size. @default - no limit */
  readonly retentionSize?: Size;
  /** Each Alertmanager that alerts are sent to. @default [] */
  readonly alertmanagers?: readonly AlertmanagerEndpoint[];
  /** TLS and account of its web interface and API. @default - plain HTTP */
  readonly web?: WebConfigProps;
  /** Servers that every sample is also sent to. @default [] */
  readonly remoteWrite?: readonly RemoteWrite[];
}

export interface AlertmanagerEndpoint {
  /** `address:port` */
  readonly address: string;
  /** How it is asked. @default - plain HTTP */
  readonly client?: ClientConfig;
}

export interface RemoteWrite {
  readonly url: string;
  /** Shown in the server's own metrics. @default - made from its settings */
  readonly name?: string;
  readonly basicAuth?: { readonly username: string; readonly password: SecretRef };
  /** Instead of `basicAuth`. */
  readonly bearerToken?: SecretRef;
}

const CONFIG = '/etc/prometheus/prometheus.yml';
const RULES = '/etc/prometheus/rules';
const SECRETS = '/etc/prometheus/secrets';

/** Debian's Prometheus: what it scrapes and which rules it evaluates grow by `addTarget`, `configureJob` and `addRules`. */
export class PrometheusServer extends Construct implements Scraper {
  readonly port: number;
  readonly web: WebConfig;
  private readonly unit: PackageUnit;
  private readonly targets: ScrapeTarget[] = [];
  private readonly jobs = new Map<string, ScrapeJob>();
  private readonly ruleFiles: HostFile[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PrometheusServerProps,
  ) {
    super(scope, id);
    markScraper(this);
    this.port = props.port ?? 9090;
    this.web = new WebConfig(this, 'web', { name: 'prometheus', port: this.port, ...props.web });
    new AptPackage(this, 'package', { name: 'prometheus' });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus',
      arguments: [
        `--web.listen-address=:${this.port}`,
        ...(props.externalUrl === undefined ? [] : [`--web.external-url=${props.externalUrl}`]),
        ...this.web.arguments,
        `--storage.tsdb.retention.time=${props.retention.toString()}`,
        ...(props.retentionSize === undefined
          ? []
          : [`--storage.tsdb.retention.size=${props.retentionSize.toBytes()}B`]),
      ],
    });
    new Directory(this, 'rules', { path: RULES });
    new Directory(this, 'targets', { path: TARGETS });
    const config = new HostFile(this, 'config', {
      path: CONFIG,
      content: () => this.config(),
      validate: 'prometheus-config',
    });
    this.unit = SystemdUnit.fromPackage(this, 'unit', {
      name: 'prometheus.service',
      reloadOn: [config],
      restartOn: [args],
    });
    this.addRemoteSecrets();
    new Port(this, 'port', { number: this.port, listener: this.unit, reach: props.reach });
    if (!this.web.isProtected) {
      new HealthCheck(this, 'healthy', {
        name: 'prometheus',
        probe: { http: `http://127.0.0.1:${this.port}/-/healthy` },
      });
    }
    new ConfigurationCheck(this, 'configuration', {
      name: 'prometheus-configuration',
      web: this.web,
      metrics: 'prometheus',
      files: () => [
        CONFIG,
        ...[...this.ruleFiles, ...RuleGroup.of(Host.of(this))].map(({ path }) => path).sort(),
      ],
      reload: () => reloadWait(this.targets, Object.fromEntries(this.jobs), props.scrapeInterval),
    });
  }

  /**
   * Scrapes `target`. The order in which targets are added does not matter. Targets stand in a file for each job, which Prometheus reads
   * by itself: one more of a job that it has is no reload.
   */
  addTarget(target: ScrapeTarget): void {
    const { job } = target;
    if (!this.targets.some((other) => other.job === job)) {
      new HostFile(this, `targets-${job}`, {
        path: targetsFile(job),
        content: () => renderYaml(targetGroups(this.targets.filter((each) => each.job === job))),
      });
    }
    this.targets.push(target);
  }

  /** What it scrapes, in the order in which it was added. */
  get scrapeTargets(): ScrapeTarget[] {
    return [...this.targets];
  }

  /** How the targets of a job are asked. */
  configureJob(job: string, settings: ScrapeJob): void {
    this.jobs.set(job, settings);
  }

  /** A rule file `/etc/prometheus/rules/<name>.yml`; its change reloads Prometheus. */
  addRules(name: string, content: string | (() => string)): HostFile {
    const file = new HostFile(this, `rules-${name}`, {
      path: `${RULES}/${name}.yml`,
      content,
      validate: 'prometheus-rules',
    });
    this.ruleFiles.push(file);
    this.unit.addReloadOn(file);
    return file;
  }

  /** A secret that it reads at each request; returns the path of the file on the host. */
  addSecret(name: string, secret: SecretRef): string {
    this.ensureSecretsDirectory();
    return new HostFile(this, `secret-${name}`, {
      path: `${SECRETS}/${name}`,
      owner: 'root',
      group: 'prometheus',
      mode: '0640',
      secret,
    }).path;
  }

  private ensureSecretsDirectory(): void {
    if (this.node.tryFindChild('secrets') !== undefined) return;
    Host.of(this).addAssumedGroup('prometheus');
    new Directory(this, 'secrets', { path: SECRETS, owner: 'root', group: 'prometheus', mode: '0750' });
  }

  private addRemoteSecrets(): void {
    const remotes = this.props.remoteWrite ?? [];
    const files = remotes.flatMap(({ basicAuth, bearerToken }, index) => {
      const secret = basicAuth?.password ?? bearerToken;
      return secret === undefined ? [] : [{ index, secret }];
    });
    if (files.length === 0) return;
    this.ensureSecretsDirectory();
    for (const { index, secret } of files) {
      new HostFile(this, `secret-${index}`, {
        path: secretFile(index),
        owner: 'root',
        group: 'prometheus',
        mode: '0640',
        secret,
      });
    }
  }

  private config(): string {
    const { props } = this;
    const interval = props.scrapeInterval.toString();
    const alertmanagers = props.alertmanagers ?? [];
    const labels = Object.entries(props.externalLabels ?? {}).sort(byKey);
    return renderYaml({
      global: {
        scrape_interval: interval,
        evaluation_interval: props.evaluationInterval?.toString() ?? interval,
        ...(labels.length > 0 && { external_labels: Object.fromEntries(labels) }),
      },
      rule_files: [`${RULES}/*.yml`],
      ...(alertmanagers.length > 0 && {
        alerting: {
          alertmanagers: [...alertmanagers].sort(by(({ address }) => address)).map(alertmanagerConfig),
        },
      }),
      scrape_configs: scrapeConfigs(
        this.targets.map(({ job }) => job),
        Object.fromEntries(this.jobs),
      ),
      ...((props.remoteWrite ?? []).length > 0 && {
        remote_write: (props.remoteWrite ?? []).map(remoteWriteConfig),
      }),
    });
  }
}

function alertmanagerConfig({ address, client = {} }: AlertmanagerEndpoint): DataValue {
  return { ...(client as Record<string, DataValue>), static_configs: [{ targets: [address] }] };
}

function secretFile(index: number): string {
  return `${SECRETS}/remote-write-${index}`;
}

function remoteWriteConfig({ url, name, basicAuth, bearerToken }: RemoteWrite, index: number): DataValue {
  return {
    url,
    ...(name !== undefined && { name }),
    ...(basicAuth !== undefined && {
      basic_auth: { username: basicAuth.username, password_file: secretFile(index) },
    }),
    ...(bearerToken !== undefined && {
      authorization: { type: 'Bearer', credentials_file: secretFile(index) },
    }),
  };
}
