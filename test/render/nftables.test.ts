import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergeNetworks, parseNetwork, renderNftables, type Firewall } from '../../lib/render/index.js';

const firewall: Firewall = {
  notes: ['11403/tcp: this host only'],
  sets: { operators: ['192.168.10.1', '192.168.0.0/16', 'fd00::/8'], nobody: [] },
  rules: [
    { protocol: 'tcp', port: 9100, sources: ['192.168.10.36'], comment: 'node exporter' },
    {
      protocol: 'tcp',
      port: 22,
      sources: ['@operators', '10.0.0.1', '2001:DB8:0:0:0:0:0:1'],
      comment: 'ssh.service',
    },
    { protocol: 'udp', port: 53, sources: 'any', comment: 'dns 漢' },
  ],
};

describe('renderNftables', () => {
  it('replaces one table and lets in what the rules say', () => {
    expect(renderNftables(firewall)).toBe(`#!/usr/sbin/nft -f
# 11403/tcp: this host only

# Declared so that deleting it works the first time as well; the tables of others stay.
table inet citadel
delete table inet citadel

table inet citadel {
	set nobody_v4 {
		type ipv4_addr
		flags interval
	}

	set nobody_v6 {
		type ipv6_addr
		flags interval
	}

	set operators_v4 {
		type ipv4_addr
		flags interval
		elements = { 192.168.0.0/16 }
	}

	set operators_v6 {
		type ipv6_addr
		flags interval
		elements = { fd00::/8 }
	}

	chain input {
		type filter hook input priority filter; policy drop;

		iif "lo" accept
		ct state established,related accept
		ct state invalid drop
		meta l4proto { 1, 58 } accept
		ip saddr @operators_v4 tcp dport 22 accept comment "ssh.service"
		ip saddr 10.0.0.1 tcp dport 22 accept comment "ssh.service"
		ip6 saddr @operators_v6 tcp dport 22 accept comment "ssh.service"
		ip6 saddr 2001:db8::1 tcp dport 22 accept comment "ssh.service"
		udp dport 53 accept comment "dns 漢"
		ip saddr 192.168.10.36 tcp dport 9100 accept comment "node exporter"
	}
}
`);
  });

  it('does not depend on the order of rules, sources and sets', () => {
    const reversed: Firewall = {
      ...firewall,
      sets: Object.fromEntries(
        Object.entries(firewall.sets ?? {})
          .reverse()
          .map(([name, list]) => [name, [...list].reverse()]),
      ),
      rules: [...firewall.rules]
        .reverse()
        .map((rule) => ({ ...rule, sources: rule.sources === 'any' ? 'any' : [...rule.sources].reverse() })),
    };
    expect(renderNftables(reversed)).toBe(renderNftables(firewall));
  });

  it('lets a protocol next to TCP and UDP in, by its number', () => {
    const text = renderNftables({
      rules: [],
      protocols: [
        { number: 112, sources: ['10.0.0.2', 'fd00::2'], comment: 'keepalived.service' },
        { number: 47, sources: 'any', comment: 'gre' },
      ],
    });
    expect(text.match(/^.*l4proto (?!\{).*$/gm)).toEqual([
      '\t\tmeta l4proto 47 accept comment "gre"',
      '\t\tip saddr 10.0.0.2 meta l4proto 112 accept comment "keepalived.service"',
      '\t\tip6 saddr fd00::2 meta l4proto 112 accept comment "keepalived.service"',
    ]);
  });

  const rule = { protocol: 'tcp' as const, port: 1, sources: 'any' as const, comment: 'x' };
  it.each<[Firewall, string]>([
    [{ rules: [{ ...rule, port: 0 }] }, 'rules[tcp/0]: 0 is not a port. Give a number from 1 to 65535.'],
    [
      { rules: [{ ...rule, sources: ['1.2.3'] }] },
      'rules[tcp/1].sources: "1.2.3" is not an IP address or network. Write it as 192.168.10.1, 192.168.10.0/24 or fd00::/8.',
    ],
    [
      { rules: [{ ...rule, sources: ['10.1.2.3/24'] }] },
      'rules[tcp/1].sources: "10.1.2.3/24" is an address inside a network. Write 10.1.2.0/24 for the network, or 10.1.2.3 for the address.',
    ],
    [
      { rules: [{ ...rule, sources: ['@x'] }] },
      'rules[tcp/1]: @x is not a set of this firewall. Add the set, or correct its name.',
    ],
    [
      { rules: [{ ...rule, comment: 'a" accept #' }] },
      'rules[tcp/1].comment: "a\\" accept #" has a quote or a backslash, or more than 128 bytes. Shorten it to plain words.',
    ],
    [
      { rules: [{ ...rule, comment: 'a\nb' }] },
      'rules[tcp/1].comment: "a\\nb" has a line end inside. Give one line.',
    ],
    [
      { rules: [], notes: ['a\nflush ruleset'] },
      'notes: "a\\nflush ruleset" has a line end inside. Give one line.',
    ],
    [
      { rules: [{ protocol: 'tcp', port: 9, to: 8, sources: 'any', comment: 'x' }] },
      'rules[tcp/9]: 9 to 8 is not a range of ports. Give its first and its last port.',
    ],
    [
      { rules: [{ protocol: 'tcp', port: 9, sources: 'any', interfaces: ['a', 'b*'], comment: 'x' }] },
      'rules[tcp/9].interfaces: "b*" is not the name of a network interface. Write it as "ip link" does; one alone may end in "*".',
    ],
    [
      { rules: [], protocols: [{ number: 256, sources: 'any', comment: 'x' }] },
      'protocols[256]: 256 is not the number of a protocol of IP. Give a number from 0 to 255.',
    ],
    [
      { rules: [], sets: { 'A b': [] } },
      'sets.A b: "A b" is not a set name. Use up to 25 of a-z, 0-9 and "_", starting with a letter.',
    ],
  ])('refuses %#', (input, message) => {
    expect(() => renderNftables(input)).toThrow(message);
  });

  const containers = renderNftables({
    sets: { office: ['192.0.2.0/24', 'fd00::/8'] },
    rules: [
      { protocol: 'udp', port: 60_000, to: 61_000, sources: 'any', interfaces: ['wg0', 'eth1'], comment: 'mosh' },
      { protocol: 'tcp', port: 5000, sources: ['@office', '198.51.100.7'], interfaces: ['eth*'], comment: 'c', forwarded: true },
      { protocol: 'tcp', port: 80, sources: 'any', comment: 'open to everybody', forwarded: true },
    ],
  }); // prettier-ignore

  it('judges what a container engine passes on before it does, and lets answers and what is open alone', () => {
    expect(containers.slice(containers.indexOf('\tchain forwarded'))).toBe(
      [
        '\tchain forwarded {',
        '\t\ttype filter hook prerouting priority mangle; policy accept;',
        '',
        '\t\tiif "lo" accept',
        '\t\tct state established,related accept',
        '\t\tiifname "eth*" ip saddr @office_v4 tcp dport 5000 accept',
        '\t\tiifname "eth*" ip saddr 198.51.100.7 tcp dport 5000 accept',
        '\t\tiifname "eth*" ip6 saddr @office_v6 tcp dport 5000 accept',
        '\t\tfib daddr type local tcp dport 5000 drop',
        '\t}',
        '}',
        '',
      ].join('\n'),
    );
    expect(containers).toContain('iifname { "eth1", "wg0" } udp dport 60000-61000 accept comment "mosh"');
  });

  // A network namespace of its own: nft reads the kernel's tables even to check.
  const namespace =
    spawnSync('unshare', ['--net', 'nft', 'list', 'ruleset'], { timeout: 20_000 }).status === 0;
  const why = namespace ? '' : ' (needs root, unshare and nft)';
  const nft = (text: string, again = '') =>
    spawnSync('unshare', ['--net', 'sh', '-c', `nft -f - ${again}`], {
      input: text,
      encoding: 'utf8',
      timeout: 20_000,
    });

  it.skipIf(!namespace)(`is read by nft, twice in a row, and leaves other tables${why}`, () => {
    expect(nft(containers)).toMatchObject({ status: 0, stderr: '' });
    const text = renderNftables(firewall);
    const twice = `table inet docker {\n}\n${text}\n${text}`;
    const { stdout, stderr, status } = nft(twice, '&& nft list ruleset');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toContain('table inet docker');
    expect(stdout.match(/table inet citadel/g)).toHaveLength(1);
    expect(stdout).toContain('ip6 saddr 2001:db8::1 tcp dport 22 accept comment "ssh.service"');
    expect(nft('table inet citadel { nonsense }').status).not.toBe(0);
  });

  it.skipIf(!namespace)(`is read by nft for any addresses, networks and comments${why}`, () => {
    const network = fc
      .tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(128))
      .map(([address, length]) => widen(address, length));
    const comment = fc
      .string({ unit: 'grapheme', maxLength: 20 })
      .map((text) => text.replace(/["\\]|\p{Cc}/gu, '_'));
    const rules = fc.sample(fc.tuple(fc.array(network, { minLength: 1, maxLength: 6 }), comment), 60);
    const text = renderNftables({
      rules: rules.map(([sources, words], index) => ({
        protocol: 'tcp',
        port: index + 1,
        sources,
        comment: words,
      })),
    });
    const { stderr, status } = nft(text);
    expect([stderr, status]).toEqual(['', 0]);
  });
});

describe('parseNetwork and mergeNetworks', () => {
  it.each([
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['::/0', '::/0'],
    ['::', '::'],
    ['1::', '1::'],
    ['::1', '::1'],
    ['0:0:1:0:0:0:0:1', '0:0:1::1'],
    ['2001:DB8::0:1', '2001:db8::1'],
    ['::ffff:192.168.10.1', '::ffff:c0a8:a01'],
    ['1::1.2.3.4', '1::102:304'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['10:0:0:2:3:4:5:6', '10::2:3:4:5:6'],
  ])('%s is %s', (text, expected) => {
    expect(parseNetwork(text, 'x').text).toBe(expected);
  });
  it.each([
    '',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/8/8',
    '1::2::3',
    '1:2:3:4:5:6:7',
    ':::',
    'g::',
    '::1/129',
    '1:2:3:4:5:6:7::8',
    'a.b',
    '@x',
  ])('refuses %j', (text) => {
    expect(() => parseNetwork(text, 'x')).toThrow('is not an IP address or network');
  });
  it('says of every text what it says of its own spelling', () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const network = parseNetwork(text, 'x');
        expect(parseNetwork(network.text, 'x')).toEqual(network);
      }),
    );
  });
  it('drops what lies inside another one', () => {
    const merged = mergeNetworks(
      ['10.0.0.1', '10.0.0.0/8', '::1', '10.0.0.0/8', '11.0.0.1'].map((text) => parseNetwork(text, 'x')),
    );
    expect(merged.map(({ text }) => text)).toEqual(['10.0.0.0/8', '11.0.0.1', '::1']);
  });
});

/** The network of `length` bits around an address. */
function widen(address: string, length: number): string {
  const { base, family } = parseNetwork(address, 'x');
  const bits = family === 4 ? 32 : 128;
  const prefix = Math.max(1, Math.min(length, bits));
  const network = (base >> BigInt(bits - prefix)) << BigInt(bits - prefix);
  if (family === 4)
    return `${[24n, 16n, 8n, 0n].map((shift) => (network >> shift) & 255n).join('.')}/${prefix}`;
  return `${Array.from({ length: 8 }, (_, index) => ((network >> BigInt(112 - 16 * index)) & 0xffffn).toString(16)).join(':')}/${prefix}`;
}
