import type { Construct } from 'constructs';
import type { Duration } from '../units.js';
import { HealthCheck, type HealthCheckProps } from './check.js';
import { refuseUnknown, type Names } from './known-props.js';
import { Port, type PortReach } from './port.js';

export interface ListenProps {
  /** Who may reach it; the host's `FirewallRules` keep all others out. */
  readonly from: PortReach;
  /** @default 'tcp' */
  readonly protocol?: 'tcp' | 'udp';
  /** Address of the host at which it listens, for the check. @default '127.0.0.1' */
  readonly address?: string;
  /**
   * What must hold once the unit is up: `tcp`: the port accepts; `{ http: '/health' }`: that path answers with `status`
   * (default 200); `none`. @default 'tcp', and 'none' for udp
   */
  readonly check?: 'tcp' | 'none' | { readonly http: string; readonly status?: number };
  /** Network interfaces of the host through which it is reached: `['wg0']`. @default - every one */
  readonly interfaces?: readonly string[];
  /** Whether a container engine passes it on, as with the `ports` of a `Container`. @default false */
  readonly forwarded?: boolean;
  /** How long the check is tried. @default Duration.seconds(30) */
  readonly timeout?: Duration;
}

const NAMES: Names<ListenProps> = {
  from: true,
  protocol: true,
  address: true,
  interfaces: true,
  forwarded: true,
  check: true,
  timeout: true,
};

/** What `unit.listen` of `SystemdUnit` and `PackageUnit` makes below the unit: the port, and its check. */
export function listen(
  unit: Construct & { readonly unitName: string },
  wave: number | undefined,
  number: number,
  props: ListenProps,
): Port {
  const { from, protocol = 'tcp', address = '127.0.0.1', interfaces, forwarded, timeout } = props;
  const { check = protocol === 'tcp' ? 'tcp' : 'none' } = props;
  const port = new Port(unit, `listen-${String(number)}-${protocol}`, {
    number,
    protocol,
    listener: unit,
    reach: from,
    ...(interfaces === undefined ? {} : { interfaces }),
    ...(forwarded === undefined ? {} : { forwarded }),
  });
  refuseUnknown(port, props, NAMES);
  if (check === 'none') return port;
  const probe: HealthCheckProps['probe'] =
    check === 'tcp'
      ? { tcp: { host: address, port: number } }
      : {
          http: `http://${address.includes(':') ? `[${address}]` : address}:${String(number)}${check.http}`,
          ...(check.status === undefined ? {} : { status: check.status }),
        };
  new HealthCheck(port, 'check', {
    name: `${unit.unitName.replace(/\.[a-z]+$/, '').replaceAll(/[^A-Za-z0-9._-]/g, '-')}-${String(number)}`,
    probe,
    ...(timeout === undefined ? {} : { timeout }),
    ...(wave === undefined ? {} : { wave }),
  });
  return port;
}
