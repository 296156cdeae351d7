import { Construct } from 'constructs';
import { renderYaml } from '../../render/index.js';
import { AptPackage, HealthCheck, HostFile, Port, SystemdUnit, type PortReach } from '../host/index.js';
import { DaemonArguments } from './daemon-arguments.js';

export interface AlertmanagerProps {
  /** @default 9093 */
  readonly port?: number;
  /** Who may use its web interface and API. */
  readonly reach: PortReach;
  /** URL that alerts are sent to, as JSON. @default - alerts are only shown in its web interface */
  readonly webhook?: string;
}

/** Debian's Alertmanager, alone (no cluster): alerts grouped by name and host, sent to one receiver. */
export class Alertmanager extends Construct {
  readonly port: number;

  constructor(scope: Construct, id: string, props: AlertmanagerProps) {
    super(scope, id);
    this.port = props.port ?? 9093;
    new AptPackage(this, 'package', { name: 'prometheus-alertmanager' });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus-alertmanager',
      // An empty cluster address: without it Alertmanager looks for a private address and ends where it finds none.
      arguments: [`--web.listen-address=:${this.port}`, '--cluster.listen-address='],
    });
    const config = new HostFile(this, 'config', {
      path: '/etc/prometheus/alertmanager.yml',
      content: renderYaml(configuration(props.webhook)),
      validate: 'alertmanager-config',
    });
    const unit = SystemdUnit.forPackageUnit(this, 'unit', {
      name: 'prometheus-alertmanager.service',
      reloadOn: [config],
      restartOn: [args],
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach: props.reach });
    new HealthCheck(this, 'healthy', {
      name: 'alertmanager',
      probe: { http: `http://127.0.0.1:${this.port}/-/healthy` },
    });
  }
}

function configuration(webhook: string | undefined) {
  const operators = {
    name: 'operators',
    ...(webhook === undefined ? {} : { webhook_configs: [{ url: webhook, send_resolved: true }] }),
  };
  return {
    route: {
      receiver: operators.name,
      group_by: ['alertname', 'host'],
      group_wait: '30s',
      group_interval: '5m',
      repeat_interval: '4h',
    },
    // A critical alert about a host makes the warnings about the same thing on it superfluous.
    inhibit_rules: [
      {
        source_matchers: ['severity="critical"'],
        target_matchers: ['severity="warning"'],
        equal: ['alertname', 'host', 'mountpoint'],
      },
    ],
    receivers: [operators],
  };
}
