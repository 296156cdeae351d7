import { Construct } from 'constructs';
import { renderYaml } from '../../render/index.js';
import {
  AptPackage,
  Directory,
  HealthCheck,
  HostFile,
  Port,
  SystemdUnit,
  type PackageUnit,
  type PortReach,
} from '../host/index.js';
import type { Duration, Size } from '../units.js';
import { DaemonArguments } from './daemon-arguments.js';
import { scrapeConfigs, type ScrapeTarget } from './scrape.js';

export interface PrometheusProps {
  /** @default 9090 */
  readonly port?: number;
  /** Who may use its web interface and API. */
  readonly reach: PortReach;
  readonly scrapeInterval: Duration;
  /** How long samples are kept. */
  readonly retention: Duration;
  /** The oldest samples go first above this size. @default - no limit */
  readonly retentionSize?: Size;
  /** `address:port` of each Alertmanager. @default [] */
  readonly alertmanagers?: readonly string[];
}

const CONFIG = '/etc/prometheus/prometheus.yml';
const RULES = '/etc/prometheus/rules';

/** Debian's Prometheus: what it scrapes and which rules it evaluates grow by `addTarget` and `addRules`. */
export class Prometheus extends Construct {
  readonly port: number;
  private readonly unit: PackageUnit;
  private readonly targets: ScrapeTarget[] = [];

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PrometheusProps,
  ) {
    super(scope, id);
    this.port = props.port ?? 9090;
    new AptPackage(this, 'package', { name: 'prometheus' });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus',
      arguments: [
        `--web.listen-address=:${this.port}`,
        `--storage.tsdb.retention.time=${props.retention.toString()}`,
        ...(props.retentionSize === undefined
          ? []
          : [`--storage.tsdb.retention.size=${props.retentionSize.toBytes()}B`]),
      ],
    });
    new Directory(this, 'rules', { path: RULES });
    const config = new HostFile(this, 'config', {
      path: CONFIG,
      content: () => this.config(),
      validate: 'prometheus-config',
    });
    this.unit = SystemdUnit.forPackageUnit(this, 'unit', {
      name: 'prometheus.service',
      reloadOn: [config],
      restartOn: [args],
    });
    new Port(this, 'port', { number: this.port, listener: this.unit, reach: props.reach });
    new HealthCheck(this, 'healthy', {
      name: 'prometheus',
      probe: { http: `http://127.0.0.1:${this.port}/-/healthy` },
    });
  }

  /** Scrapes `target`. The order in which targets are added does not matter. */
  addTarget(target: ScrapeTarget): void {
    this.targets.push(target);
  }

  /** A rule file `/etc/prometheus/rules/<name>.yml`; its change reloads Prometheus. */
  addRules(name: string, content: string): HostFile {
    const file = new HostFile(this, `rules-${name}`, {
      path: `${RULES}/${name}.yml`,
      content,
      validate: 'prometheus-rules',
    });
    this.unit.addReloadOn(file);
    return file;
  }

  private config(): string {
    const interval = this.props.scrapeInterval.toString();
    const alertmanagers = this.props.alertmanagers ?? [];
    return renderYaml({
      global: { scrape_interval: interval, evaluation_interval: interval },
      rule_files: [`${RULES}/*.yml`],
      ...(alertmanagers.length === 0
        ? {}
        : { alerting: { alertmanagers: [{ static_configs: [{ targets: [...alertmanagers].sort() }] }] } }),
      scrape_configs: scrapeConfigs(this.targets),
    });
  }
}
