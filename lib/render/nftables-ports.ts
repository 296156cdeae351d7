/** One port as a firewall of `renderNftables` lets it in. */
export interface FirewallPort {
  readonly protocol: 'tcp' | 'udp';
  readonly number: number;
  /** The rule's comment: what listens there. */
  readonly listener: string;
  /** Who may reach it; addresses, networks and names of sets (`@operators_v4`), in the order of the text. */
  readonly sources: 'any' | 'loopback' | readonly string[];
}

const RULE =
  /^\s*(?:ip6? saddr (?:\{ ([^}]*) \}|(\S+)) )?(tcp|udp) dport (\d{1,5}) accept comment "([^"]*)"$/;
const NOTE = /^# (\d{1,5})\/(tcp|udp) \((.*)\): this host only$/;

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
  return [...ports.values()].sort((a, b) => a.number - b.number || (a.protocol < b.protocol ? -1 : 1));
}

type Sources = FirewallPort['sources'];

function both(a: Sources, b: Sources): Sources {
  return typeof a === 'string' || typeof b === 'string' ? b : [...a, ...b];
}

function fromRule(line: string): FirewallPort | undefined {
  const [whole, several, one, protocol, number, listener = ''] = RULE.exec(line) ?? [];
  if (whole === undefined) return undefined;
  const sources = several?.split(', ') ?? (one === undefined ? 'any' : [one]);
  return { protocol: protocol as 'tcp' | 'udp', number: Number(number), listener, sources };
}

function fromNote(line: string): FirewallPort | undefined {
  const [whole, number, protocol, listener = ''] = NOTE.exec(line) ?? [];
  if (whole === undefined) return undefined;
  return { protocol: protocol as 'tcp' | 'udp', number: Number(number), listener, sources: 'loopback' };
}
