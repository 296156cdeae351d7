import { Construct } from 'constructs';
import { loadTemplate, renderYaml } from '../../../render/index.js';
import {
  addRule,
  AptPackage,
  Directory,
  HealthCheck,
  Host,
  HostFile,
  Port,
  SystemdUnit,
  type PortReach,
} from '../../../constructs/host/index.js';
import { Duration } from '../../../constructs/units.js';
import { ConfigurationCheck } from '../configuration-check.js';
import { DaemonArguments } from '../../../constructs/monitoring/daemon-arguments.js';
import { DAEMON_HARDENING } from '../../../constructs/monitoring/daemon-hardening.js';
import { RuleGroup } from '../../../constructs/monitoring/rules/index.js';
import { WebConfig, type WebConfigProps } from '../web-config.js';
import {
  alertmanagerConfiguration,
  holdsSecrets,
  secretFilesOf,
  type AlertmanagerConfiguration,
} from './configuration.js';
import { inhibitions } from './inhibitions.js';
import { MESSAGES, SECRETS_DIRECTORY, secretPath } from './messages.js';
import type { AlertmanagerVersion } from './notification.js';
import type { KnownAlert } from './reach-rules.js';
import { SiteMonitoring } from '../site/site-files.js';
import { routingProblems } from './routing-rules.js';
import type { Inhibition, Receivers, Route, TimeWindow } from './routing.js';

export interface AlertmanagerServerProps {
  /** @default 9093 */
  readonly port?: number;
  /** Who may use its web interface and API. */
  readonly reach: PortReach;
  /** Address that people reach it at, for links in messages. @default - the host's name and port */
  readonly externalUrl?: string;
  /** Who can be told. */
  readonly receivers: Receivers;
  /** Which alerts go where. What it leaves out is filled in: grouped by alert and host, 30 s, 5 min, 4 h. */
  readonly route: Route;
  /** @default - a critical alert silences the warnings about the same thing, and a cause what follows from it */
  readonly inhibitions?: readonly Inhibition[];
  /** By name, for routes. @default {} */
  readonly timeWindows?: Readonly<Record<string, TimeWindow>>;
  /** Release that the host has, at least: what it lacks is refused. Debian 12 has 0.25, Debian 13 has 0.28. @default '0.25' */
  readonly version?: AlertmanagerVersion;
  /** TLS and account of its web interface and API. @default - plain HTTP */
  readonly web?: WebConfigProps;
}

/** Debian's Alertmanager, alone (no cluster). Secrets of its receivers stand in files that it reads when it sends. */
export class AlertmanagerServer extends Construct {
  readonly port: number;
  readonly web: WebConfig;

  constructor(scope: Construct, id: string, props: AlertmanagerServerProps) {
    super(scope, id);
    this.port = props.port ?? 9093;
    const configuration: AlertmanagerConfiguration = {
      receivers: props.receivers,
      route: {
        groupBy: ['alertname', 'host'],
        groupWait: Duration.seconds(30),
        groupInterval: Duration.minutes(5),
        repeatInterval: Duration.hours(4),
        ...props.route,
      },
      inhibitions: props.inhibitions ?? inhibitions(),
      timeWindows: props.timeWindows ?? {},
      ...(props.version !== undefined && { version: props.version }),
    };
    this.web = new WebConfig(this, 'web', { name: 'alertmanager', port: this.port, ...props.web });
    new AptPackage(this, 'package', { name: 'prometheus-alertmanager' });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus-alertmanager',
      arguments: [
        `--web.listen-address=:${this.port}`,
        ...(props.externalUrl === undefined ? [] : [`--web.external-url=${props.externalUrl}`]),
        ...this.web.arguments,
        // An empty cluster address: without it Alertmanager looks for a private address and ends where it finds none.
        '--cluster.listen-address=',
      ],
    });
    this.addSecrets(configuration);
    const messages = new HostFile(this, 'messages', {
      path: MESSAGES,
      content: loadTemplate(`dev-ops${MESSAGES}`).text,
    });
    const config = new HostFile(this, 'config', {
      path: '/etc/prometheus/alertmanager.yml',
      content: renderYaml(alertmanagerConfiguration(configuration)),
      ...(holdsSecrets(configuration) && { owner: 'root', group: 'prometheus', mode: '0640' }),
      validate: 'alertmanager-config',
    });
    const unit = SystemdUnit.fromPackage(this, 'unit', {
      name: 'prometheus-alertmanager.service',
      reloadOn: [config, messages],
      restartOn: [args],
      dropIns: { hardening: { service: { ...DAEMON_HARDENING, ReadWritePaths: '/var/lib/prometheus' } } },
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach: props.reach });
    if (!this.web.isProtected) {
      new HealthCheck(this, 'healthy', {
        name: 'alertmanager',
        probe: { http: `http://127.0.0.1:${this.port}/-/healthy` },
      });
    }
    new ConfigurationCheck(this, 'configuration', {
      name: 'alertmanager-configuration',
      web: this.web,
      metrics: 'alertmanager',
      files: () => [config.path, messages.path],
    });
    addRule(this, () => routingProblems(configuration, this.alertsOfTree()));
  }

  private alertsOfTree(): KnownAlert[] {
    const all = this.node.root.node.findAll();
    return [
      ...all.filter(RuleGroup.isRuleGroup).flatMap((group) => group.alerts),
      ...all.filter((construct) => construct instanceof SiteMonitoring).flatMap(({ alerts }) => alerts),
    ];
  }

  private addSecrets(configuration: AlertmanagerConfiguration): void {
    const secrets = secretFilesOf(configuration);
    if (secrets.length > 0 || holdsSecrets(configuration)) Host.of(this).addAssumedGroup('prometheus');
    if (secrets.length === 0) return;
    const group = { owner: 'root', group: 'prometheus' };
    new Directory(this, 'secrets', { path: SECRETS_DIRECTORY, ...group, mode: '0750' });
    for (const secret of secrets) {
      new HostFile(this, `secret-${secret.name}`, {
        path: secretPath(secret),
        ...group,
        mode: '0640',
        secret,
      });
    }
  }
}
