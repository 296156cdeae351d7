import { Construct } from 'constructs';
import { renderYaml } from '../../render/index.js';
import {
  AptPackage,
  HealthCheck,
  HostFile,
  Port,
  SystemdUnit,
  type PortReach,
} from '../../constructs/host/index.js';
import type { Duration } from '../../constructs/units.js';
import { byKey } from '../../text/order.js';
import { ConfigurationCheck } from './configuration-check.js';
import { DaemonArguments } from '../../constructs/monitoring/daemon-arguments.js';
import { DAEMON_HARDENING } from '../../constructs/monitoring/daemon-hardening.js';
import { WebConfig } from './web-config.js';

/** How a URL is judged. */
export interface HttpModule {
  /** @default Duration.seconds(5) */
  readonly timeout?: Duration;
  /** Statuses that are well. @default - 200 to 299 */
  readonly statuses?: readonly number[];
  /** A regular expression (RE2) that the body must match. @default - any body */
  readonly bodyMatches?: string;
}

export interface BlackboxExporterProps {
  /** @default 9115 */
  readonly port?: number;
  /** Who may have it probe: a server that can reach it can make it ask anything. @default 'loopback' */
  readonly reach?: PortReach;
  /** By name. @default - `http_ok`: any status from 200 to 299 */
  readonly modules?: Readonly<Record<string, HttpModule>>;
}

/** Debian's blackbox exporter: asks URLs as someone outside would, and says how that went. */
export class BlackboxExporter extends Construct {
  /** The module for everything that answers 200 when it is well. */
  static readonly HTTP_OK = 'http_ok';

  readonly port: number;

  constructor(scope: Construct, id: string, props: BlackboxExporterProps = {}) {
    super(scope, id);
    const { reach = 'loopback' } = props;
    this.port = props.port ?? 9115;
    const address = reach === 'loopback' ? '127.0.0.1' : '';
    new AptPackage(this, 'package', { name: 'prometheus-blackbox-exporter' });
    const config = new HostFile(this, 'config', {
      path: '/etc/prometheus/blackbox.yml',
      content: renderYaml({ modules: modulesConfig({ [BlackboxExporter.HTTP_OK]: {}, ...props.modules }) }),
    });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus-blackbox-exporter',
      arguments: [`--config.file=${config.path}`, `--web.listen-address=${address}:${this.port}`],
    });
    const unit = SystemdUnit.fromPackage(this, 'unit', {
      name: 'prometheus-blackbox-exporter.service',
      reloadOn: [config],
      restartOn: [args],
      dropIns: { hardening: { service: DAEMON_HARDENING } },
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach });
    new HealthCheck(this, 'healthy', {
      name: 'blackbox-exporter',
      probe: { http: `http://127.0.0.1:${this.port}/-/healthy` },
    });
    new ConfigurationCheck(this, 'configuration', {
      name: 'blackbox-exporter-configuration',
      web: new WebConfig(this, 'web', { name: 'blackbox-exporter', port: this.port }),
      metrics: 'blackbox_exporter',
      files: () => [config.path],
    });
  }
}

function modulesConfig(modules: Readonly<Record<string, HttpModule>>) {
  return Object.fromEntries(
    Object.entries(modules)
      .sort(byKey)
      .map(([name, { timeout, statuses, bodyMatches }]) => [
        name,
        {
          prober: 'http',
          timeout: timeout?.toString() ?? '5s',
          http: {
            preferred_ip_protocol: 'ip4',
            // A redirection would be asked of a host that no one declared.
            follow_redirects: false,
            ...(statuses !== undefined && { valid_status_codes: [...statuses] }),
            ...(bodyMatches !== undefined && { fail_if_body_not_matches_regexp: [bodyMatches] }),
          },
        },
      ]),
  );
}
