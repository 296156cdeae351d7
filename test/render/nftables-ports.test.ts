import { expect, it } from 'vitest';
import { readNftablesPorts, renderNftables } from '../../lib/render/index.js';

it('reads nothing from an empty text, and nothing from what is not ours', () => {
  expect(readNftablesPorts('')).toEqual([]);
  expect(
    readNftablesPorts('tcp dport 22 accept\n# 22/tcp: this host only\nfoo dport 1 accept comment "x"'),
  ).toEqual([]);
});

it('reads back what the renderer wrote, of every kind', () => {
  const text = renderNftables({
    sets: { operators: ['10.0.0.0/8', 'fd00::/8'] },
    notes: ['9115/tcp (blackbox (inner).service): this host only'],
    rules: [
      { protocol: 'tcp', port: 22, sources: ['@operators'], comment: 'ssh.service' },
      { protocol: 'tcp', port: 80, sources: 'any', comment: 'web' },
      { protocol: 'udp', port: 60_000, to: 61_000, sources: 'any', interfaces: ['wg0'], comment: 'mosh' },
      {
        protocol: 'tcp',
        port: 81,
        sources: ['192.0.2.1'],
        interfaces: ['eth1', 'eth0'],
        comment: 'container',
        forwarded: true,
      },
      { protocol: 'udp', port: 53, sources: ['192.0.2.1'], comment: 'dns' },
      {
        protocol: 'tcp',
        port: 8000,
        sources: ['192.0.2.1', '192.0.2.9', '2001:db8::1'],
        comment: 'both families',
      },
    ],
  });
  expect(readNftablesPorts(text)).toEqual([
    { protocol: 'tcp', number: 22, listener: 'ssh.service', sources: ['@operators_v4', '@operators_v6'] },
    { protocol: 'udp', number: 53, listener: 'dns', sources: ['192.0.2.1'] },
    { protocol: 'tcp', number: 80, listener: 'web', sources: 'any' },
    {
      protocol: 'tcp',
      number: 81,
      listener: 'container',
      sources: ['192.0.2.1'],
      interfaces: ['eth0', 'eth1'],
    },
    {
      protocol: 'tcp',
      number: 8000,
      listener: 'both families',
      sources: ['192.0.2.1', '192.0.2.9', '2001:db8::1'],
    },
    { protocol: 'tcp', number: 9115, listener: 'blackbox (inner).service', sources: 'loopback' },
    { protocol: 'udp', number: 60_000, to: 61_000, listener: 'mosh', sources: 'any', interfaces: ['wg0'] },
  ]);
});
