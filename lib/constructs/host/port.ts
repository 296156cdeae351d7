import { Construct } from 'constructs';
import { Host } from './host.js';
import { addRule, type OwnProblem } from './problems.js';

/** Who may reach a port: only the host itself, everybody, or addresses, networks and hosts. */
export type PortReach = 'loopback' | 'any' | readonly (string | Host)[];

export interface PortProps {
  /** 1 to 65535. */
  readonly number: number;
  /** @default 'tcp' */
  readonly protocol?: 'tcp' | 'udp';
  /** What listens: a unit, or words for people. */
  readonly listener: string | { readonly unitName: string };
  /** Who may reach it; the host's `FirewallRules` let nobody else in. */
  readonly reach: PortReach;
}

const PORT = Symbol.for('citadel-iac.Port');

/**
 * A port that something on the host listens on. It writes nothing by itself: two constructs with the same port on one host
 * are a problem, and `FirewallRules` are made from all ports of their host.
 */
export class Port extends Construct {
  /** The ports declared below a host, by number and protocol. */
  static of(host: Host): Port[] {
    return host.node
      .findAll()
      .filter(isPort)
      .sort(
        (a, b) => a.number - b.number || order(a.protocol, b.protocol) || order(a.node.path, b.node.path),
      );
  }

  readonly host: Host;
  readonly number: number;
  readonly protocol: 'tcp' | 'udp';
  /** Name of what listens, for comments and messages. */
  readonly listener: string;
  private readonly allowed: PortReach;

  constructor(scope: Construct, id: string, props: PortProps) {
    super(scope, id);
    Object.defineProperty(this, PORT, { value: true });
    this.host = Host.of(this);
    this.number = props.number;
    this.protocol = props.protocol ?? 'tcp';
    this.listener = typeof props.listener === 'string' ? props.listener : props.listener.unitName;
    this.allowed = typeof props.reach === 'string' ? props.reach : [...props.reach];
    addRule(this, () => this.problems());
  }

  /** Who may reach it: `'loopback'`, `'any'`, or addresses and networks, sorted, each once. */
  get sources(): 'loopback' | 'any' | string[] {
    if (typeof this.allowed === 'string') return this.allowed;
    const addresses = this.allowed.flatMap((source) =>
      typeof source === 'string' ? [source] : source.addresses,
    );
    return [...new Set(addresses)].sort();
  }

  private problems(): OwnProblem[] {
    const problems: OwnProblem[] = [];
    if (!Number.isInteger(this.number) || this.number < 1 || this.number > 65_535) {
      problems.push({
        code: 'construct.port.number',
        property: 'number',
        got: `${this.number} is not a port`,
        fix: 'Give a number from 1 to 65535',
      });
    }
    const before = Port.of(this.host).find(
      (other) => other.number === this.number && other.protocol === this.protocol,
    );
    if (before !== undefined && before !== this) {
      problems.push({
        code: 'construct.port.taken',
        property: 'number',
        got: `${this.number}/${this.protocol} is taken by ${before.node.path}`,
        fix: 'Give one of them another port',
      });
    }
    if (typeof this.allowed !== 'string') {
      for (const source of this.allowed) {
        if (typeof source === 'string' || source.addresses.length > 0) continue;
        problems.push({
          code: 'construct.port.no-address',
          property: 'reach',
          got: `host ${source.hostName} (${source.node.path}) has no address`,
          fix: 'Give that Host its addresses',
        });
      }
    }
    return problems;
  }
}

function isPort(construct: unknown): construct is Port {
  return typeof construct === 'object' && construct !== null && PORT in construct;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
