import type { Construct } from 'constructs';
import { Host } from '../lib/constructs/host/index.js';
import type { DashboardFacts } from '../lib/constructs/monitoring/dashboards/index.js';
import type { Probe, ScrapeTarget } from '../lib/constructs/monitoring/index.js';
import { JOBS, type Job } from '../lib/constructs/monitoring/metrics/index.js';
import type { HostInventory, Inventory } from '../lib/inventory/index.js';

/** What manifests are made from. Where the inventory was read from is no part of it. */
export type FleetInventory = Pick<Inventory, 'hosts' | 'operator' | 'slo' | 'thresholds'> &
  Partial<Pick<Inventory, 'texts'>>;

/** One host of the fleet: its construct, and what the inventory says about it. */
export interface Member {
  readonly name: string;
  readonly host: Host;
  readonly inventory: HostInventory;
}

/** All hosts at once: what one of them must know of the others. */
export class Fleet {
  /** Sorted by name. */
  readonly members: readonly Member[];
  readonly inventory: FleetInventory;

  constructor(scope: Construct, inventory: FleetInventory) {
    this.inventory = inventory;
    this.members = Object.entries(inventory.hosts)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => ({
        name,
        inventory: entry,
        host: new Host(scope, name, entry.address === undefined ? {} : { addresses: [entry.address] }),
      }));
  }

  /** Addresses and networks that people work from. */
  get operators(): readonly string[] {
    return this.inventory.operator.addresses;
  }

  /** Hosts that scrape the others. */
  get monitors(): Host[] {
    return this.members.filter(({ inventory }) => inventory.monitoring !== undefined).map(({ host }) => host);
  }

  /** Hosts that serve models. */
  get aiNodes(): Host[] {
    return this.members.filter(({ inventory }) => inventory.ai !== undefined).map(({ host }) => host);
  }

  /** What there is to show on dashboards. */
  get dashboardFacts(): DashboardFacts {
    const { thresholds, slo } = this.inventory;
    const aiNodes = this.members.filter(({ inventory }) => inventory.ai !== undefined);
    return {
      thresholds,
      slo,
      hosts: this.members.map(({ name }) => name),
      aiHosts: aiNodes.map(({ name }) => name),
      models: aiNodes
        .flatMap(({ inventory: { ai } }) => Object.entries(ai?.models ?? {}))
        .filter(([, { start }]) => start === 'boot')
        .map(([name]) => ({ name }))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
      backups: aiNodes.some(({ inventory }) => inventory.backup !== undefined),
    };
  }

  /** What monitoring servers ask from outside: the health page of every model that should answer, and what the inventory adds. */
  get probes(): Probe[] {
    return this.members.flatMap(({ name: host, inventory: { address, ai, monitoring } }) => [
      ...Object.entries(ai?.models ?? {})
        .filter(([, { start }]) => start === 'boot')
        .map(([model, { port }]) => ({
          url: `http://${address}:${port}/health`,
          labels: { host, service: model },
        })),
      ...Object.entries(monitoring?.probes ?? {}).map(([service, { url }]) => ({
        url,
        labels: { host, service },
      })),
    ]);
  }

  /** What Prometheus scrapes on these hosts beside the monitoring server's own: machines, nodes, model services. */
  get scrapeTargets(): ScrapeTarget[] {
    return this.members.flatMap(({ name: host, inventory: { address, nodeExporter, ai } }) => {
      if (address === undefined) return [];
      const on = (job: Job, port: number, labels: Readonly<Record<string, string>> = {}): ScrapeTarget => ({
        job,
        address: `${address}:${port}`,
        labels: { host, ...labels },
      });
      return [
        on(JOBS.node, nodeExporter.port),
        ...Object.entries(ai?.models ?? {})
          .filter(([, { start }]) => start === 'boot')
          .map(([model, { port }]) => on(JOBS.vllm, port, { model })),
        ...(ai === undefined ? [] : [on(JOBS.citadel, NODE_EXPORTER_PORT)]),
      ];
    });
  }
}

/** Of the AI node's own exporter; the operations guide has it written down. */
const NODE_EXPORTER_PORT = 8000;
