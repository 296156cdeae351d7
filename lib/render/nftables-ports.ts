import { order } from '../text/order.js';

/** One port as a firewall of `renderNftables` lets it in. */
export interface FirewallPort {
  readonly protocol: 'tcp' | 'udp';
  readonly number: number;
  /** Last port of a range; absent for one port. */
  readonly to?: number;
  /** Interfaces through which it is let in; absent for every one. */
  readonly interfaces?: readonly string[];
  /** The rule's comment: what listens there. */
  readonly listener: string;
  /** Who may reach it; addresses, networks and names of sets (`@operators_v4`), in the order of the text. */
  readonly sources: 'any' | 'loopback' | readonly string[];
}

const RULE =
  /^\s*(?:iifname (?:\{ ([^}]*) \}|(\S+)) )?(?:ip6? saddr (?:\{ ([^}]*) \}|(\S+)) )?(tcp|udp) dport (\d{1,5})(?:-(\d{1,5}))? accept comment "([^"]*)"$/;
const NOTE = /^# (\d{1,5})(?:-(\d{1,5}))?\/(tcp|udp) \((.*)\): this host only$/;

/**
 * The ports that `renderNftables` wrote into a text, by number: a document has no other list of them. Lines that are not
 * from there say nothing.
 */
export function readNftablesPorts(text: string): FirewallPort[] {
  const ports = new Map<string, FirewallPort>();
  for (const line of text.split('\n')) {
    const port = fromRule(line) ?? fromNote(line);
    if (port === undefined) continue;
    const key = `${port.protocol}/${port.number}`;
    const before = ports.get(key);
    // A rule for each family of addresses.
    ports.set(key, before === undefined ? port : { ...port, sources: both(before.sources, port.sources) });
  }
  return [...ports.values()].sort((a, b) => a.number - b.number || order(a.protocol, b.protocol));
}

type Sources = FirewallPort['sources'];

function both(a: Sources, b: Sources): Sources {
  return typeof a === 'string' || typeof b === 'string' ? b : [...a, ...b];
}

function fromRule(line: string): FirewallPort | undefined {
  const [whole, names, name, several, one, protocol, number, to, listener = ''] = RULE.exec(line) ?? [];
  if (whole === undefined) return undefined;
  const sources = several?.split(', ') ?? (one === undefined ? 'any' : [one]);
  const interfaces = (names ?? name)?.split(', ').map((each) => each.slice(1, -1));
  return {
    ...portOf(protocol, number, to),
    listener,
    sources,
    ...(interfaces === undefined ? {} : { interfaces }),
  };
}

function fromNote(line: string): FirewallPort | undefined {
  const [whole, number, to, protocol, listener = ''] = NOTE.exec(line) ?? [];
  if (whole === undefined) return undefined;
  return { ...portOf(protocol, number, to), listener, sources: 'loopback' };
}

function portOf(protocol: string | undefined, number: string | undefined, to: string | undefined) {
  return {
    protocol: protocol as 'tcp' | 'udp',
    number: Number(number),
    ...(to === undefined ? {} : { to: Number(to) }),
  };
}
