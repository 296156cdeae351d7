import { byKey, order } from '../text/order.js';
import { RenderError, requirePlain, shown } from './error.js';
import { mergeNetworks, parseNetwork, type IpNetwork } from './ip-network.js';

/** Who may reach a port: everybody, or addresses and networks, or a named set of them (`@operators`). */
export type FirewallSources = 'any' | readonly string[];

export interface FirewallRule {
  readonly protocol: 'tcp' | 'udp';
  readonly port: number;
  /** Last port of a range. @default - the one port */
  readonly to?: number;
  readonly sources: FirewallSources;
  /** Interfaces that it holds for, as nft has them: `eth*` as well. @default - every one */
  readonly interfaces?: readonly string[];
  /** Whether a container engine passes the port on. @default false */
  readonly forwarded?: boolean;
  /** What listens there; shown by `nft list ruleset`. At most 128 bytes. */
  readonly comment: string;
}

/** A protocol next to TCP and UDP. */
export interface ProtocolRule {
  /** Its number among the protocols of IP, 0 to 255. */
  readonly number: number;
  readonly sources: FirewallSources;
  /** What takes it. At most 128 bytes. */
  readonly comment: string;
}

export interface Firewall {
  readonly rules: readonly FirewallRule[];
  /** @default none */
  readonly protocols?: readonly ProtocolRule[];
  /** Addresses and networks by name, for rules that name them as `@name`. @default {} */
  readonly sets?: Readonly<Record<string, readonly string[]>>;
  /** Lines about what has no rule, each printed after `# `. @default none */
  readonly notes?: readonly string[];
}

/**
 * `/etc/nftables.conf`: one table of our own, `inet citadel`, replaced as a whole in one step. It drops what comes in, except
 * for loopback, answers, ICMP and the rules. Other tables (a container engine's) are left alone; as what they pass on does not
 * come by the chain of what comes in, forwarded ports have one of their own, before an engine rewrites their packets.
 *
 * @throws RenderError for anything that is not a port, an address, a network or a set of this firewall
 */
export function renderNftables(firewall: Firewall): string {
  const sets = Object.entries(firewall.sets ?? {})
    .sort(byKey)
    .flatMap(([name, sources]) => setLines(name, sources));
  const rules = [...firewall.rules]
    .sort((a, b) => a.port - b.port || order(a.protocol, b.protocol))
    .flatMap((rule) => ruleLines(rule, firewall));
  const protocols = [...(firewall.protocols ?? [])]
    .sort((a, b) => a.number - b.number)
    .flatMap((rule) => protocolLines(rule, firewall));
  const notes = (firewall.notes ?? []).map((note) => {
    requirePlain('render.nftables', 'notes', note);
    return `# ${note}`;
  });
  return [
    '#!/usr/sbin/nft -f',
    ...notes,
    '',
    '# Declared so that deleting it works the first time as well; the tables of others stay.',
    'table inet citadel',
    'delete table inet citadel',
    '',
    'table inet citadel {',
    ...sets,
    '\tchain input {',
    '\t\ttype filter hook input priority filter; policy drop;',
    '',
    '\t\tiif "lo" accept',
    '\t\tct state established,related accept',
    '\t\tct state invalid drop',
    // ICMP and ICMPv6 by number: older nft looks names up in /etc/protocols, which a minimal Debian does not have.
    '\t\tmeta l4proto { 1, 58 } accept',
    ...[...rules, ...protocols].map((rule) => `\t\t${rule}`),
    '\t}',
    ...forwardedLines(firewall),
    '}',
    '',
  ].join('\n');
}

/** Who may reach ports that a container engine passes on; nothing where all of them are open to everybody. */
function forwardedLines(firewall: Firewall): string[] {
  const rules = firewall.rules.filter(
    ({ forwarded, sources, interfaces = [] }) =>
      forwarded === true && (sources !== 'any' || interfaces.length > 0),
  );
  if (rules.length === 0) return [];
  return [
    '',
    '\tchain forwarded {',
    '\t\ttype filter hook prerouting priority mangle; policy accept;',
    '',
    '\t\tiif "lo" accept',
    '\t\tct state established,related accept',
    // Without the comment: a reader of the text finds each port once, above.
    ...rules.flatMap((rule) =>
      ruleLines(rule, firewall).map((line) => `\t\t${line.replace(/ comment ".*"$/, '')}`),
    ),
    ...rules.map((rule) => `\t\tfib daddr type local ${rule.protocol} dport ${portText(rule)} drop`),
    '\t}',
  ];
}

const INTERFACE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/;
const WILD_INTERFACE = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}\*?$/;

function portText({ port, to = port }: FirewallRule): string {
  return to === port ? String(port) : `${port}-${to}`;
}

/** `iifname "wg0" `, or nothing. @throws RenderError for what is no interface, and for a wildcard among several */
function interfaceText({ interfaces = [] }: FirewallRule, property: string): string {
  for (const name of interfaces) {
    // A set of names holds no wildcard.
    if ((interfaces.length === 1 ? WILD_INTERFACE : INTERFACE).test(name)) continue;
    throw new RenderError(
      'render.nftables.interface',
      `${property}.interfaces`,
      `${shown(name)} is not the name of a network interface`,
      'Write it as "ip link" does; one alone may end in "*"',
    );
  }
  if (interfaces.length === 0) return '';
  const names = [...new Set(interfaces)].sort().map((name) => `"${name}"`);
  return names.length === 1 ? `iifname ${names[0] ?? ''} ` : `iifname { ${names.join(', ')} } `;
}

function setLines(name: string, sources: readonly string[]): string[] {
  requireSetName(name);
  const networks = mergeNetworks(
    sources.map((source, index) => parseNetwork(source, `sets.${name}[${index}]`)),
  );
  return ([4, 6] as const).flatMap((family) => [
    `\tset ${name}_v${family} {`,
    `\t\ttype ipv${family}_addr`,
    '\t\tflags interval',
    ...elements(networks.filter((network) => network.family === family)),
    '\t}',
    '',
  ]);
}

function elements(networks: readonly IpNetwork[]): string[] {
  return networks.length === 0 ? [] : [`\t\telements = { ${networks.map(({ text }) => text).join(', ')} }`];
}

function ruleLines(rule: FirewallRule, firewall: Firewall): string[] {
  const property = `rules[${rule.protocol}/${rule.port}]`;
  if (!Number.isInteger(rule.port) || rule.port < 1 || rule.port > 65_535) {
    throw new RenderError(
      'render.nftables.port',
      property,
      `${rule.port} is not a port`,
      'Give a number from 1 to 65535',
    );
  }
  const { to = rule.port } = rule;
  if (!Number.isInteger(to) || to < rule.port || to > 65_535) {
    throw new RenderError(
      'render.nftables.port',
      property,
      `${rule.port} to ${to} is not a range of ports`,
      'Give its first and its last port',
    );
  }
  const accept = `${rule.protocol} dport ${portText(rule)} accept comment ${commentOf(rule.comment, property)}`;
  return fromSources(rule.sources, interfaceText(rule, property), accept, property, firewall);
}

/** By number: older nft looks names up in /etc/protocols, which a minimal Debian does not have. */
function protocolLines(rule: ProtocolRule, firewall: Firewall): string[] {
  const { number, sources, comment } = rule;
  const property = `protocols[${number}]`;
  if (!Number.isInteger(number) || number < 0 || number > 255) {
    throw new RenderError(
      'render.nftables.protocol',
      property,
      `${number} is not the number of a protocol of IP`,
      'Give a number from 0 to 255',
    );
  }
  const accept = `meta l4proto ${number} accept comment ${commentOf(comment, property)}`;
  return fromSources(sources, '', accept, property, firewall);
}

function fromSources(
  sources: FirewallSources,
  iif: string,
  accept: string,
  property: string,
  firewall: Firewall,
): string[] {
  if (sources === 'any') return [iif + accept];
  const named = sources.filter((source) => source.startsWith('@')).map((source) => source.slice(1));
  for (const name of named) {
    if (Object.hasOwn(firewall.sets ?? {}, name)) continue;
    throw new RenderError(
      'render.nftables.set',
      property,
      `@${name} is not a set of this firewall`,
      'Add the set, or correct its name',
    );
  }
  const networks = mergeNetworks(
    sources
      .filter((source) => !source.startsWith('@'))
      .map((source) => parseNetwork(source, `${property}.sources`)),
  );
  return ([4, 6] as const).flatMap((family) => {
    const keyword = family === 4 ? 'ip' : 'ip6';
    const direct = networks.filter((network) => network.family === family).map(({ text }) => text);
    return [
      ...[...new Set(named)].sort().map((name) => `${iif}${keyword} saddr @${name}_v${family} ${accept}`),
      ...(direct.length === 0
        ? []
        : [
            `${iif}${keyword} saddr ${direct.length === 1 ? (direct[0] ?? '') : `{ ${direct.join(', ')} }`} ${accept}`,
          ]),
    ];
  });
}

function commentOf(comment: string, property: string): string {
  requirePlain('render.nftables', `${property}.comment`, comment);
  if (/["\\]/.test(comment) || Buffer.byteLength(comment) > 128) {
    throw new RenderError(
      'render.nftables.comment',
      `${property}.comment`,
      `${shown(comment)} has a quote or a backslash, or more than 128 bytes`,
      'Shorten it to plain words',
    );
  }
  return `"${comment}"`;
}

function requireSetName(name: string): void {
  if (/^[a-z][a-z0-9_]{0,24}$/.test(name)) return;
  throw new RenderError(
    'render.nftables.set',
    `sets.${name}`,
    `${shown(name)} is not a set name`,
    'Use up to 25 of a-z, 0-9 and "_", starting with a letter',
  );
}
