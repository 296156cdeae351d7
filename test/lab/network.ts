import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  HOST_NAMES,
  OPERATOR_ADDRESS,
  OPERATOR_MAC,
  PREFIX_LENGTH,
  specOf,
  stateRoot,
  SUBNET,
  type HostName,
  type Layout,
} from './layout.js';
import { killProcess, must, run } from './process.js';

const guardFile = join(stateRoot, 'guard-route');

/**
 * A lab's cables: a bridge in a namespace of its own, the operator in another. Hosts are plugged in by their supervisor
 * at each boot. Nothing is ever attached to the machine's own namespace, so nothing can be routed from there.
 */
export async function ensureNetwork(layout: Layout): Promise<void> {
  await keepRootNamespaceOut();
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
  const { bridgeNetns: bridge, operatorNetns: operator } = layout;
  const present = await run(['ip', '-n', operator, 'link', 'show', 'eth0']);
  if (present.code !== 0) {
    const peer = ['peer', 'name', 'eth0', 'address', OPERATOR_MAC, 'netns', operator];
    await must(['ip', '-n', bridge, 'link', 'add', 'p-operator', 'type', 'veth', ...peer]);
    await must(['ip', '-n', bridge, 'link', 'set', 'p-operator', 'master', 'br0', 'up']);
    await must(['ip', '-n', operator, 'addr', 'add', `${OPERATOR_ADDRESS}/${PREFIX_LENGTH}`, 'dev', 'eth0']);
  }
  await must(['ip', '-n', operator, 'link', 'set', 'lo', 'up']);
  await must(['ip', '-n', operator, 'link', 'set', 'eth0', 'up']);
  // Known neighbours: no question for their hardware address in front of a measured round trip.
  await knowNeighbours(layout, HOST_NAMES);
}

/** The operator need not ask for these hosts' hardware addresses. */
export async function knowNeighbours(layout: Layout, hosts: readonly HostName[]): Promise<void> {
  const lines = hosts.map((name) => {
    const { address, mac } = specOf(name);
    return `neigh replace ${address} lladdr ${mac} dev eth0\n`;
  });
  await must(['ip', '-n', layout.operatorNetns, '-batch', '-'], { input: lines.join('') });
}

/**
 * A program started outside the operator's namespace by mistake must not reach machines with the same addresses in the
 * real world. A machine that has the real network connected keeps it.
 */
async function keepRootNamespaceOut(): Promise<void> {
  const routes = await must(['ip', 'route', 'show', SUBNET]);
  if (routes.trim() !== '') return;
  await run(['ip', 'route', 'add', 'blackhole', SUBNET]);
  await writeFile(guardFile, 'This lab added the route that keeps the machine away from lab addresses.\n');
}

/** Takes the guard route away again if a lab added it; called when the last lab of the machine has gone. */
export async function openRootNamespace(): Promise<void> {
  if (!existsSync(guardFile)) return;
  await run(['ip', 'route', 'del', 'blackhole', SUBNET]);
  await rm(guardFile, { force: true });
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
