import type { HostManifest } from '../../manifest/index.js';
import { order } from '../../text/order.js';
import { isLoopback, portsOf, type ListeningPort } from './ports.js';
import { scrapesOf, type Scrape } from './scrapes.js';
import { unitSettings } from './unit-files.js';

export interface MapService {
  /** Unit, words for what listens, or `port 9100` where no one says what that is. */
  readonly name: string;
  /** Units that belong to it: its timer, its socket, what is `PartOf=` it. */
  readonly parts: readonly string[];
  readonly ports: readonly ListeningPort[];
}

export interface MapHost {
  /** A host's name; an address for what is no host of this comparison. */
  readonly name: string;
  readonly known: boolean;
  readonly services: readonly MapService[];
}

/** Who asks whom. Ends are `host/service`. */
export interface MapEdge {
  readonly from: string;
  readonly to: string;
  readonly kind: Scrape['kind'];
  /** Port or URL that is asked. */
  readonly address: string;
  /** Scrape jobs. */
  readonly jobs: readonly string[];
}

export interface FleetMap {
  readonly hosts: readonly MapHost[];
  readonly edges: readonly MapEdge[];
}

interface Draft {
  readonly name: string;
  readonly known: boolean;
  readonly services: Map<string, { parts: Set<string>; ports: ListeningPort[] }>;
  /** Unit → the service that it is a part of. */
  readonly ownerOf: ReadonlyMap<string, string>;
}

/** Hosts, their services and ports, and who scrapes, probes and alerts whom: all of it from the documents. */
export function fleetMap(manifests: readonly HostManifest[]): FleetMap {
  const hosts = new Map(manifests.map((manifest) => [manifest.host, draftOf(manifest)]));
  const edges = new Map<string, MapEdge>();
  for (const manifest of manifests) {
    for (const scrape of scrapesOf(manifest)) {
      const from = place(hosts, manifest.host, scrape.by, manifest.host);
      const to = place(hosts, manifest.host, scrape.target, scrape.host);
      const key = JSON.stringify([from, to, scrape.kind, scrape.target]);
      const jobs = [
        ...new Set([...(edges.get(key)?.jobs ?? []), ...(scrape.job === undefined ? [] : [scrape.job])]),
      ];
      edges.set(key, { from, to, kind: scrape.kind, address: scrape.target.text, jobs: jobs.sort() });
    }
  }
  return {
    hosts: [...hosts.values()].map(({ name, known, services }) => ({
      name,
      known,
      services: [...services]
        .map(([service, { parts, ports }]) => ({ name: service, parts: [...parts].sort(), ports }))
        .sort(byPort),
    })),
    edges: [...edges.values()],
  };
}

/** Those that listen first, by port. */
function byPort(a: MapService, b: MapService): number {
  const first = ({ ports }: MapService): number => ports[0]?.number ?? Infinity;
  const [left, right] = [first(a), first(b)];
  return left === right ? order(a.name, b.name) : left < right ? -1 : 1;
}

function draftOf(manifest: HostManifest): Draft {
  const units = Object.keys(manifest.units ?? {});
  const ownerOf = new Map<string, string>();
  for (const unit of units) {
    const partOf = unitSettings(manifest, unit)
      .all('Unit', 'PartOf')
      .flatMap((value) => value.split(/\s+/))
      .find((name) => name.endsWith('.service') && units.includes(name));
    const namesake = unit.replace(/\.(timer|socket|path)$/, '.service');
    const owner = partOf ?? (namesake !== unit && units.includes(namesake) ? namesake : undefined);
    if (owner !== undefined && owner !== unit) ownerOf.set(unit, owner);
  }
  const draft: Draft = { name: manifest.host, known: true, services: new Map(), ownerOf };
  for (const unit of units) {
    const owner = rootOf(draft, unit);
    if (owner !== unit) serviceOf(draft, owner).parts.add(unit);
    else if (unit.endsWith('.service')) serviceOf(draft, unit);
  }
  for (const port of portsOf(manifest)) serviceOf(draft, rootOf(draft, port.listener)).ports.push(port);
  return draft;
}

function rootOf({ ownerOf }: Draft, unit: string): string {
  const seen = new Set<string>();
  let name = unit;
  for (let next = ownerOf.get(name); next !== undefined && !seen.has(next); next = ownerOf.get(name)) {
    seen.add(next);
    name = next;
  }
  return name;
}

function serviceOf(draft: Draft, name: string): { parts: Set<string>; ports: ListeningPort[] } {
  const found = draft.services.get(name) ?? { parts: new Set(), ports: [] };
  draft.services.set(name, found);
  return found;
}

/** The service that an end of a scrape means, as `host/service`; one that no one declares is put where it must be. */
function place(hosts: Map<string, Draft>, own: string, end: Scrape['by'], label: string | undefined): string {
  const name = label !== undefined && hosts.has(label) ? label : isLoopback(end.host) ? own : end.host;
  const draft: Draft = hosts.get(name) ?? { name, known: false, services: new Map(), ownerOf: new Map() };
  hosts.set(name, draft);
  if (end.unit !== undefined) {
    const service = rootOf(draft, end.unit);
    serviceOf(draft, service);
    return `${name}/${service}`;
  }
  for (const [service, { ports }] of draft.services) {
    if (ports.some(({ number, protocol }) => number === end.port && protocol === 'tcp'))
      return `${name}/${service}`;
  }
  const service = end.port === undefined ? end.text : `port ${end.port}`;
  serviceOf(draft, service);
  return `${name}/${service}`;
}
