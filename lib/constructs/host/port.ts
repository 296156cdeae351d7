import { Construct } from 'constructs';
import { order } from '../../text/order.js';
import { Host } from './host.js';
import { refuseUnknown, type Names } from './known-props.js';
import { addRule, type OwnProblem } from './problems.js';

/** Who may reach a port: only the host itself, everybody, or addresses, networks and hosts. */
export type PortReach = 'loopback' | 'any' | readonly (string | Host)[];

export interface PortProps {
  /** 1 to 65535. */
  readonly number: number;
  /** Last port of a range that begins at `number`. @default - the one port */
  readonly to?: number;
  /** @default 'tcp' */
  readonly protocol?: 'tcp' | 'udp';
  /** What listens: a unit, or a text for people. */
  readonly listener: string | { readonly unitName: string };
  /** Who may reach it; the host's `FirewallRules` keep all others out. */
  readonly reach: PortReach;
  /** Network interfaces of the host through which it is reached: `['wg0']`, `['eth*']`. @default - every one */
  readonly interfaces?: readonly string[];
  /** Whether a container engine passes it on: such packets do not reach what listens on the host itself. @default false */
  readonly forwarded?: boolean;
}

const NAMES: Names<PortProps> = {
  number: true,
  to: true,
  protocol: true,
  listener: true,
  reach: true,
  interfaces: true,
  forwarded: true,
};

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
  /** The last port of its range; `number` when it is none. */
  readonly last: number;
  readonly protocol: 'tcp' | 'udp';
  /** Interfaces through which it is reached; empty: every one. */
  readonly interfaces: readonly string[];
  readonly forwarded: boolean;
  /** Name of what listens, for comments and messages. */
  readonly listener: string;
  private readonly allowed: PortReach;

  constructor(scope: Construct, id: string, props: PortProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    Object.defineProperty(this, PORT, { value: true });
    this.host = Host.of(this);
    this.number = props.number;
    this.last = props.to ?? props.number;
    this.interfaces = [...(props.interfaces ?? [])];
    this.forwarded = props.forwarded ?? false;
    this.protocol = props.protocol ?? 'tcp';
    this.listener = typeof props.listener === 'string' ? props.listener : props.listener.unitName;
    // Types are gone when a stack runs: a misspelt name leaves it out.
    const given: unknown = props.reach;
    this.allowed =
      given === 'any' ? given : Array.isArray(given) ? [...(given as (string | Host)[])] : 'loopback';
    addRule(this, () =>
      given === 'loopback' || given === 'any' || Array.isArray(given)
        ? []
        : [
            {
              code: 'construct.port.reach',
              property: 'reach',
              got: `${given === undefined ? 'nothing' : JSON.stringify(given)} says who may reach it`,
              fix: "Give 'loopback', 'any', or a list of addresses, networks and hosts",
            },
          ],
    );
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

  /** `8080`, or `60000-61000`. */
  get shown(): string {
    return this.last === this.number ? String(this.number) : `${this.number}-${this.last}`;
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
    if (
      this.last !== this.number &&
      (!Number.isInteger(this.last) || this.last < this.number || this.last > 65_535)
    ) {
      problems.push({
        code: 'construct.port.range',
        property: 'to',
        got: `${this.last} is not the end of a range that begins at ${this.number}`,
        fix: `Give a number from ${this.number + 1} to 65535, or leave it out`,
      });
    }
    const before = Port.of(this.host).find(
      (other) => other.number <= this.last && this.number <= other.last && other.protocol === this.protocol,
    );
    if (before !== undefined && before !== this) {
      problems.push({
        code: 'construct.port.taken',
        property: 'number',
        got: `${this.shown}/${this.protocol} is taken by ${before.node.path}`,
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
