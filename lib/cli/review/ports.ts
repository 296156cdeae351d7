import type { HostManifest } from '../../manifest/index.js';
import { readNftablesPorts } from '../../render/index.js';
import { order } from '../../text/order.js';
import { unitSettings } from './unit-files.js';

/** A port of a host, and who may reach it. */
export interface ListeningPort {
  readonly number: number;
  readonly protocol: 'tcp' | 'udp';
  /** A unit, or a text for people. */
  readonly listener: string;
  readonly sources: 'any' | 'loopback' | readonly string[];
}

/** Ports of a host by number: those of its firewall, and those of its sockets that the firewall does not name. */
export function portsOf(manifest: HostManifest): ListeningPort[] {
  const firewalls = Object.values(manifest.files ?? {}).filter(({ validate }) => validate === 'nftables');
  const named = firewalls.flatMap(({ content }) => readNftablesPorts(content ?? ''));
  const sockets = Object.keys(manifest.units ?? {})
    .filter((unit) => unit.endsWith('.socket'))
    .flatMap((unit) => socketPorts(manifest, unit))
    .filter(
      (port) => !named.some(({ number, protocol }) => number === port.number && protocol === port.protocol),
    );
  return [...named, ...sockets].sort((a, b) => a.number - b.number || order(a.listener, b.listener));
}

function socketPorts(manifest: HostManifest, unit: string): ListeningPort[] {
  const settings = unitSettings(manifest, unit);
  return (
    [
      ['ListenStream', 'tcp'],
      ['ListenDatagram', 'udp'],
    ] as const
  ).flatMap(([key, protocol]) =>
    settings.all('Socket', key).flatMap((address): ListeningPort[] => {
      const [, host, port] = /^(?:(.*):)?(\d{1,5})$/.exec(address) ?? [];
      if (port === undefined) return [];
      const sources = host !== undefined && isLoopback(host) ? 'loopback' : 'any';
      return [{ number: Number(port), protocol, listener: unit, sources }];
    }),
  );
}

export function isLoopback(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[?::1\]?|localhost)$/.test(host);
}
