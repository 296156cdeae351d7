import { Construct } from 'constructs';
import { AptPackage, HealthCheck, Port, SystemdUnit, type PortReach } from '../host/index.js';
import { DaemonArguments } from './daemon-arguments.js';

export interface NodeExporterProps {
  /** @default 9100 */
  readonly port?: number;
  /** Who may read the metrics: the monitoring hosts. */
  readonly reach: PortReach;
}

/** Debian's exporter of machine metrics. */
export class NodeExporter extends Construct {
  /** Where programs of the host put `*.prom` files for the exporter to serve. */
  static readonly TEXTFILES = '/var/lib/prometheus/node-exporter';

  static readonly UNIT = 'prometheus-node-exporter.service';

  readonly port: number;

  constructor(scope: Construct, id: string, props: NodeExporterProps) {
    super(scope, id);
    this.port = props.port ?? 9100;
    new AptPackage(this, 'package', { name: 'prometheus-node-exporter' });
    const args = new DaemonArguments(this, 'arguments', {
      package: 'prometheus-node-exporter',
      arguments: [
        // The firewall says who may ask; listening everywhere spares the exporter a race with the network at boot.
        `--web.listen-address=:${this.port}`,
        // Debian leaves out everything below /mnt and /media, where data and backup disks are.
        '--collector.filesystem.mount-points-exclude=^/(dev|proc|run|sys|var/lib/docker/.+)($|/)',
        '--collector.systemd.enable-restarts-metrics',
      ],
    });
    // Never a reload: the exporter ends on SIGHUP, although its unit has an ExecReload= that sends one.
    const unit = SystemdUnit.fromPackage(this, 'unit', {
      name: NodeExporter.UNIT,
      restartOn: [args],
    });
    new Port(this, 'port', { number: this.port, listener: unit, reach: props.reach });
    new HealthCheck(this, 'healthy', {
      name: 'node-exporter',
      probe: { http: `http://127.0.0.1:${this.port}/` },
    });
  }
}
