import { Construct } from 'constructs';
import type { Host } from './host.js';
import { refuseUnknown, type Names } from './known-props.js';

export interface IpProtocolProps {
  /** Its number among the protocols of IP: 112 is VRRP. TCP and UDP have `Port`. */
  readonly number: number;
  /** What takes it: a unit, or a text for people. */
  readonly listener: string | { readonly unitName: string };
  /** Addresses and networks that may send it. */
  readonly from: readonly string[];
}

const NAMES: Names<IpProtocolProps> = { number: true, listener: true, from: true };
const IP_PROTOCOL = Symbol.for('citadel-iac.IpProtocol');

/** A protocol next to TCP and UDP that other hosts send to this one: its host's `FirewallRules` let it in. */
export class IpProtocol extends Construct {
  /** Those declared below a host, by number. */
  static of(host: Host): IpProtocol[] {
    return host.node
      .findAll()
      .filter(isIpProtocol)
      .sort((a, b) => a.number - b.number);
  }

  readonly number: number;
  /** Name of what takes it, for comments. */
  readonly listener: string;
  readonly sources: readonly string[];

  constructor(scope: Construct, id: string, props: IpProtocolProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    Object.defineProperty(this, IP_PROTOCOL, { value: true });
    this.number = props.number;
    this.listener = typeof props.listener === 'string' ? props.listener : props.listener.unitName;
    this.sources = [...new Set(props.from)].sort();
  }
}

function isIpProtocol(construct: unknown): construct is IpProtocol {
  return typeof construct === 'object' && construct !== null && IP_PROTOCOL in construct;
}
