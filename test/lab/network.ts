import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ADDRESSES,
  HOST_NAMES,
  OPERATOR_MAC,
  addressOf,
  specOf,
  stateRoot,
  type Addresses,
  type HostName,
  type Layout,
} from './layout.js';
import { killProcess, must, run } from './process.js';

const guardFile = ({ family }: Addresses): string =>
  join(stateRoot, family === 4 ? 'guard-route' : 'guard-route-v6');

/**
 * A lab's cables: a bridge in a namespace of its own, the operator in another. Hosts are plugged in by their supervisor
 * at each boot. Nothing is ever attached to the machine's own namespace, so nothing can be routed from there.
 */
export async function ensureNetwork(layout: Layout): Promise<void> {
  await keepRootNamespaceOut(layout.addresses);
  if (!namespaceExists(layout.bridgeNetns)) {
    await must(['ip', 'netns', 'add', layout.bridgeNetns]);
  }
  const bridge = await run(['ip', '-n', layout.bridgeNetns, 'link', 'show', 'br0']);
  if (bridge.code !== 0) {
    // Without forward_delay 0 a bridge swallows the first seconds of every new cable.
    await must([
      'ip',
      '-n',
      layout.bridgeNetns,
      'link',
      'add',
      'br0',
      'type',
      'bridge',
      'forward_delay',
      '0',
    ]);
    await must(['ip', '-n', layout.bridgeNetns, 'link', 'set', 'br0', 'up']);
  }
  if (!namespaceExists(layout.operatorNetns)) {
    await must(['ip', 'netns', 'add', layout.operatorNetns]);
  }
  await ensureOperatorCable(layout);
}

async function ensureOperatorCable(layout: Layout): Promise<void> {
  const { bridgeNetns: bridge, operatorNetns: operator, addresses } = layout;
  const present = await run(['ip', '-n', operator, 'link', 'show', 'eth0']);
  if (present.code !== 0) {
    const peer = ['peer', 'name', 'eth0', 'address', OPERATOR_MAC, 'netns', operator];
    await must(['ip', '-n', bridge, 'link', 'add', 'p-operator', 'type', 'veth', ...peer]);
    await must(['ip', '-n', bridge, 'link', 'set', 'p-operator', 'master', 'br0', 'up']);
    await must(['ip', '-n', operator, 'addr', 'add', ...addressArguments(addresses, addresses.operator)]);
  }
  await must(['ip', '-n', operator, 'link', 'set', 'lo', 'up']);
  await must(['ip', '-n', operator, 'link', 'set', 'eth0', 'up']);
  await knowNeighbours(layout, HOST_NAMES);
}

/** The operator need not ask for these hosts' hardware addresses. */
export async function knowNeighbours(
  { addresses, operatorNetns }: Layout,
  hosts: readonly HostName[],
): Promise<void> {
  const lines = neighboursOf(addresses, hosts).map(
    ([address, mac]) => `neigh replace ${address} lladdr ${mac} dev eth0\n`,
  );
  await must(['ip', '-n', operatorNetns, '-batch', '-'], { input: lines.join('') });
}

/** What `ip addr add` is told: an IPv6 address is used at once, not after a second in which others could object. */
export function addressArguments({ family, prefixLength }: Addresses, address: string): string[] {
  return [`${address}/${prefixLength}`, 'dev', 'eth0', ...(family === 6 ? ['nodad'] : [])];
}

/**
 * Addresses and hardware addresses of hosts: known, so that no question goes in front of a measured round trip. With IPv6 they
 * are asked for, because a firewall that swallows the question would show nowhere else.
 */
export function neighboursOf(addresses: Addresses, hosts: readonly HostName[]): [string, string][] {
  return addresses.family === 6
    ? []
    : hosts.map(specOf).map((spec): [string, string] => [addressOf(addresses, spec), spec.mac]);
}

/**
 * A program started outside the operator's namespace by mistake must not reach machines with the same addresses in the
 * real world. A machine that has the real network connected keeps it.
 */
async function keepRootNamespaceOut(addresses: Addresses): Promise<void> {
  const { family, subnet } = addresses;
  const routes = await must(['ip', `-${family}`, 'route', 'show', subnet]);
  if (routes.trim() !== '') return;
  await run(['ip', 'route', 'add', 'blackhole', subnet]);
  await writeFile(
    guardFile(addresses),
    'This lab added the route that keeps the machine away from lab addresses.\n',
  );
}

/** Takes the guard routes away again that labs added; called when the last lab of the machine has gone. */
export async function openRootNamespace(): Promise<void> {
  for (const addresses of Object.values(ADDRESSES)) {
    const file = guardFile(addresses);
    if (!existsSync(file)) continue;
    await run(['ip', 'route', 'del', 'blackhole', addresses.subnet]);
    await rm(file, { force: true });
  }
}

export async function removeNetwork(layout: Layout): Promise<void> {
  for (const namespace of [layout.operatorNetns, layout.bridgeNetns]) {
    await endPrograms(namespace);
    if (namespaceExists(namespace)) await must(['ip', 'netns', 'del', namespace]);
  }
}

/** Ends programs that someone left in a namespace of the lab: their network goes, and they would stay for ever. */
async function endPrograms(namespace: string): Promise<void> {
  const { stdout } = await run(['ip', 'netns', 'pids', namespace]);
  for (const pid of stdout.split('\n').map(Number)) {
    if (pid > 0 && pid !== process.pid) killProcess(pid);
  }
}

export function namespaceExists(name: string): boolean {
  return existsSync(`/run/netns/${name}`);
}
