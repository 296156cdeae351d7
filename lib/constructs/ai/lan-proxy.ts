import { Construct } from 'constructs';
import { exec } from '../../render/index.js';
import { Port, SystemdUnit, type PortReach } from '../host/index.js';
import { PROXY_HARDENING } from './hardening.js';

export interface LanProxyProps {
  /** Names the units: `<name>.socket` and `<name>.service`. */
  readonly name: string;
  /** Words for people: what is behind it. */
  readonly description: string;
  /** IP address of the host to listen on. */
  readonly address: string;
  /** On that address, and on the loopback where the service behind it listens. */
  readonly port: number;
  readonly reach: PortReach;
  /** The service behind it: both units stop with it. It must want the socket, which is started by nothing else. */
  readonly of: string;
}

/** The same path on Debian 12 and 13 and Ubuntu 24.04: /lib is a link to /usr/lib on all of them. */
const PROGRAM = '/usr/lib/systemd/systemd-socket-proxyd';
/** The program's own limit of 256 is less than what one vLLM server takes. */
const CONNECTIONS = 4096;

/**
 * Carries connections to the host's own address over to the loopback, so that a server which can listen on one address
 * (or on all of them) is reached by both and by no other.
 */
export class LanProxy extends Construct {
  readonly socket: SystemdUnit;
  readonly service: SystemdUnit;

  constructor(scope: Construct, id: string, props: LanProxyProps) {
    super(scope, id);
    const serviceName = `${props.name}.service`;
    this.socket = new SystemdUnit(this, 'socket', {
      name: `${props.name}.socket`,
      unit: {
        Description: `${props.description}, on ${props.address}`,
        PartOf: props.of,
        // As often as the service behind it restarts: the usual 5 times in 10 s would leave it failed.
        StartLimitIntervalSec: 0,
      },
      socket: {
        ListenStream: `${props.address.includes(':') ? `[${props.address}]` : props.address}:${props.port}`,
        // The address may come up after the socket.
        FreeBind: true,
        // A restart opens the socket again while a process may still hold the old one: without this, the port is "in use",
        // and the socket stays failed although the service behind it runs.
        ReusePort: true,
        NoDelay: true,
        Backlog: 1024,
      },
    });
    this.service = new SystemdUnit(this, 'service', {
      name: serviceName,
      unit: {
        Description: `${props.description}, from ${props.address} to the loopback`,
        Requires: this.socket.unitName,
        After: this.socket.unitName,
        PartOf: props.of,
        StartLimitIntervalSec: 0,
      },
      service: {
        // Not "notify": Debian 12's never says that it is ready, and would be killed with its connections after 90 s.
        Type: 'exec',
        ExecStart: exec([PROGRAM, `--connections-max=${CONNECTIONS}`, `127.0.0.1:${props.port}`]),
        DynamicUser: true,
        LimitNOFILE: 4 * CONNECTIONS,
        ...PROXY_HARDENING,
      },
    });
    new Port(this, 'port', { number: props.port, listener: this.socket, reach: props.reach });
  }
}
