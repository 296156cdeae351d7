import { Construct } from 'constructs';
import type { SecretRef } from '../secret.js';
import { HostFile } from '../host/file.js';
import { Host } from '../host/host.js';
import { refuseUnknown, unknownProps, type Names } from '../host/known-props.js';
import { PackageUnit } from '../host/package-unit.js';
import { Port, type PortReach } from '../host/port.js';
import { addRule } from '../host/problems.js';
import { requireForm } from './forms.js';
import { sharedPackage } from './shared-unit.js';

export interface WireGuardPeer {
  /** Its public key, as `wg pubkey` prints it. */
  readonly publicKey: string;
  /** Addresses and networks behind it: `['10.8.0.2/32']`. */
  readonly allowedIps: readonly string[];
  /** Where it is reached: `vpn.example.org:51820`. @default - it reaches us */
  readonly endpoint?: string;
  /** A second, shared secret. @default - none */
  readonly presharedKey?: SecretRef;
  /** Seconds between packets that keep a way through address translation open. @default - none */
  readonly keepaliveSec?: number;
}

export interface WireGuardProps {
  /** Name of the interface, at most 15 characters. @default - the construct's id */
  readonly name?: string;
  /** The host's addresses in the tunnel, with their networks: `['10.8.0.1/24', 'fd08::1/64']`. */
  readonly addresses: readonly string[];
  /** The host's private key, as `wg genkey` prints it. */
  readonly privateKey: SecretRef;
  /** Where it listens, and who may reach that; the host's `FirewallRules` open it. @default - it listens nowhere in particular */
  readonly listen?: { readonly port: number; readonly from: PortReach };
  readonly peers: readonly WireGuardPeer[];
  /** @default - as wg-quick finds it */
  readonly mtu?: number;
}

const NAMES: Names<WireGuardProps> = {
  name: true,
  addresses: true,
  privateKey: true,
  listen: true,
  peers: true,
  mtu: true,
};
const PEER: Names<WireGuardPeer> = {
  publicKey: true,
  allowedIps: true,
  endpoint: true,
  presharedKey: true,
  keepaliveSec: true,
};

/**
 * A tunnel of WireGuard: `/etc/wireguard/<name>.conf` (root alone reads it) and `wg-quick@<name>.service`. A change takes the
 * tunnel down and up again; where the operator comes in through it, the host undoes what cut it off.
 *
 *     new WireGuard(host, 'wg0', {
 *       addresses: ['10.8.0.1/24'],
 *       privateKey: secret('wg_private_key'),
 *       listen: { port: 51820, from: 'any' },
 *       peers: [{ publicKey: 'xTIB…=', allowedIps: ['10.8.0.2/32'] }],
 *     });
 */
export class WireGuard extends Construct {
  readonly unit: PackageUnit;

  constructor(scope: Construct, id: string, props: WireGuardProps) {
    super(scope, id);
    refuseUnknown(this, props, NAMES);
    const { name = id, addresses, privateKey, listen, peers, mtu } = props;
    requireForm(this, 'name', name, /^[A-Za-z0-9_=+.-]{1,15}$/, 'the name of an interface', 'Use at most 15 letters, digits and "_=+.-"'); // prettier-ignore
    requireForm(this, 'mtu', mtu, /^\d{3,5}$/, 'a number of bytes', 'Give one such as 1420');
    for (const each of addresses) requireForm(this, 'addresses', each, NETWORK, 'an address with its network', 'Write it as 10.8.0.1/24'); // prettier-ignore
    addRule(this, () => [
      ...peers.flatMap((peer, index) => unknownProps(peer, PEER, `peers[${index}]`)),
      ...(listen === undefined ? [] : unknownProps(listen, { port: true, from: true }, 'listen')),
      ...(addresses.length > 0
        ? []
        : [
            {
              code: 'construct.empty',
              property: 'addresses',
              got: 'there is none',
              fix: 'Give at least one',
            },
          ]),
    ]);
    peers.forEach(({ publicKey, allowedIps, endpoint, keepaliveSec }, index) => {
      const at = `peers[${index}]`;
      requireForm(this, `${at}.publicKey`, publicKey, /^[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=$/, 'a public key', 'Give what "wg pubkey" prints'); // prettier-ignore
      requireForm(this, `${at}.endpoint`, endpoint, /^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\]):\d{1,5}$/, 'a host and its port', 'Write it as vpn.example.org:51820'); // prettier-ignore
      requireForm(
        this,
        `${at}.keepaliveSec`,
        keepaliveSec,
        /^\d{1,5}$/,
        'a number of seconds',
        'Give one such as 25',
      );
      for (const each of allowedIps) requireForm(this, `${at}.allowedIps`, each, NETWORK, 'a network', 'Write it as 10.8.0.0/24'); // prettier-ignore
    });
    const file = new HostFile(this, 'file', {
      path: `/etc/wireguard/${name}.conf`,
      lines: [
        '[Interface]',
        `Address = ${addresses.join(', ')}`,
        `PrivateKey = ${privateKey.toString()}`,
        ...(listen === undefined ? [] : [`ListenPort = ${listen.port}`]),
        ...(mtu === undefined ? [] : [`MTU = ${mtu}`]),
        ...peers.flatMap(peerLines),
      ],
    });
    sharedPackage(Host.of(this), 'wireguard-tools');
    this.unit = new PackageUnit(this, 'unit', { name: `wg-quick@${name}.service`, restartOn: [file] });
    if (listen === undefined) return;
    new Port(this, 'port', { number: listen.port, protocol: 'udp', listener: this.unit, reach: listen.from });
  }
}

const NETWORK = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]+)\/\d{1,3}$/;

function peerLines(peer: WireGuardPeer): string[] {
  return [
    '',
    '[Peer]',
    `PublicKey = ${peer.publicKey}`,
    ...(peer.presharedKey === undefined ? [] : [`PresharedKey = ${peer.presharedKey.toString()}`]),
    `AllowedIPs = ${peer.allowedIps.join(', ')}`,
    ...(peer.endpoint === undefined ? [] : [`Endpoint = ${peer.endpoint}`]),
    ...(peer.keepaliveSec === undefined ? [] : [`PersistentKeepalive = ${peer.keepaliveSec}`]),
  ];
}
