import { FirewallRules, Mount } from '../../constructs/host/index.js';
import { MonitoredService } from '../../constructs/monitoring/coverage.js';
import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { TemplateTree } from '../../constructs/operations/index.js';
import { hopsOf } from '../../manifest/index.js';
import type { Fleet, Member } from '../../site/index.js';
import { nodeExporter } from './coverage.js';
import { DriftWatch } from './drift-watch.js';
import { buildJournal } from './journal.js';
import { OffsiteBackup } from './offsite/offsite-backup.js';

/** What every host has: its disks, machine metrics, and a firewall that lets in what the host's ports say. */
export function buildBase({ name, host, inventory }: Member, fleet: Fleet): void {
  const laidOut = fleet.of('disks').some((each) => each.host === name);
  const mounts = laidOut ? [] : Object.entries(inventory.mounts);
  for (const [mountPoint, { device, type, options }] of mounts) {
    new Mount(host, `mount-${mountPoint.slice(1).replaceAll('/', '-')}`, {
      mountPoint,
      source: { device },
      type,
      options,
    });
  }
  const monitors = fleet.hostsThat('scraper');
  new NodeExporter(host, 'node-exporter', {
    port: inventory.nodeExporter.port,
    reach: monitors.length === 0 ? 'loopback' : monitors,
  });
  // `citadel-rollback`, which asks the engine's program of the current generation.
  new TemplateTree(host, 'rollback', { from: 'base', except: OffsiteBackup.PROGRAMS });
  new DriftWatch(host, 'drift-watch', {
    textfiles: NodeExporter.TEXTFILES,
    mounts: Object.keys(inventory.mounts),
  });
  buildJournal(host, inventory.journal);
  if (inventory.offsite !== undefined) {
    const state = fleet.of('state').filter((each) => each.host === name);
    new OffsiteBackup(host, 'offsite', { offsite: inventory.offsite, state });
  }
  MonitoredService.addAll(host, [nodeExporter(name)]);
  if (fleet.operators.length === 0) return;
  const last = hopsOf({ jump: inventory.ssh?.jump }).at(-1);
  new FirewallRules(host, 'firewall', {
    ssh: {
      port: inventory.ssh?.port ?? 22,
      // With hosts in between, connections come from the last of them.
      from: [...fleet.operators, ...(last === undefined ? [] : [last.address])],
    },
  });
}
