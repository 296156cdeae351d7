import { FirewallRules, Mount } from '../lib/constructs/host/index.js';
import { NodeExporter } from '../lib/constructs/monitoring/index.js';
import { DriftWatch, TemplateTree } from '../lib/constructs/operations/index.js';
import type { Fleet, Member } from './fleet.js';

/** What every host has: its disks, machine metrics, and a firewall that lets in what the host's ports say. */
export function addBase({ host, inventory }: Member, fleet: Fleet): void {
  // An AI node lays its disks out itself.
  const mounts = inventory.ai === undefined ? Object.entries(inventory.mounts) : [];
  for (const [mountPoint, { device, type, options }] of mounts) {
    new Mount(host, `mount-${mountPoint.slice(1).replaceAll('/', '-')}`, {
      mountPoint,
      source: { device },
      type,
      options,
    });
  }
  new NodeExporter(host, 'node-exporter', {
    port: inventory.nodeExporter.port,
    reach: fleet.monitors.length === 0 ? 'loopback' : fleet.monitors,
  });
  // `citadel-rollback`, which asks the engine's program of the current generation.
  new TemplateTree(host, 'rollback', { from: 'base' });
  new DriftWatch(host, 'drift-watch', {
    textfiles: NodeExporter.TEXTFILES,
    mounts: Object.keys(inventory.mounts),
  });
  if (fleet.operators.length === 0) return;
  const jump = inventory.ssh?.jump;
  new FirewallRules(host, 'firewall', {
    ssh: {
      port: inventory.ssh?.port ?? 22,
      // With a host in between, connections come from there.
      from: [...fleet.operators, ...(jump === undefined ? [] : [jump.address])],
    },
  });
}
