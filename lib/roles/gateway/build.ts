import { MonitoredService } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import { secret } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
import { canonicalJson } from '../../manifest/index.js';
import type { Fleet, Member } from '../../site/index.js';
import { by } from '../../text/order.js';
import { GATEWAY_ALERTS } from './alerts.js';
import { Gateway, type ModelServer } from './gateway.js';
import './keys.js';
import type { GatewayInventory } from './schema.js';

/** Does nothing for a host whose inventory has no `gateway`. */
export function buildGateway({ name, host, inventory }: Member, fleet: Fleet): void {
  const { gateway, address } = inventory;
  if (gateway === undefined || address === undefined) return;
  const { upstreamKey, upstreamCa, tls, shared } = gateway;
  const monitors = fleet.hostsThat('scraper');
  const models = modelsOf(gateway);
  new Gateway(host, 'gateway', {
    address,
    ...(shared === undefined ? {} : { shared: { ...shared, ...othersOf(shared.address, name, fleet) } }),
    ...(models === undefined ? {} : { models }),
    servers: serversOf(fleet),
    reach: [...fleet.operators, ...monitors],
    monitors: monitors.length === 0 ? 'loopback' : monitors,
    keys: Object.fromEntries(
      Object.entries(gateway.keys).map(([key, given]) => [key, { ...given, secret: secret(given.secret) }]),
    ),
    ...(upstreamKey === undefined ? {} : { upstreamKey: secret(upstreamKey) }),
    ...(upstreamCa === undefined ? {} : { upstreamCa: secret(upstreamCa) }),
    ...(tls === undefined ? {} : { tls: { certificate: secret(tls.certificate), key: secret(tls.key) } }),
    paths: gateway.paths,
    maxBody: Size.mebibytes(gateway.maxBodyMiB),
    idleTimeout: Duration.seconds(gateway.idleTimeoutSec),
    maxRequests: gateway.maxRequests,
    maxQueued: gateway.maxQueued,
  });
  MonitoredService.addAll(host, [
    {
      service: 'citadel-gateway',
      kind: 'proxy',
      scrape: { job: JOBS.gateway, labels: { host: name } },
      alerts: GATEWAY_ALERTS,
      dashboards: ['/etc/grafana/dashboards/gateway.json'],
      logs: { journal: true },
    },
  ]);
}

/** The other gateways with that address, and what one of them says otherwise: clients meet either. */
function othersOf(
  address: string,
  name: string,
  { members }: Fleet,
): { others: string[]; differs?: string; taken?: string } {
  const settings = (member: Member): Record<string, unknown> => {
    const { shared, ...rest } = member.inventory.gateway ?? {};
    return { ...rest, 'shared.router': shared?.router };
  };
  const all = members.filter(({ inventory }) => inventory.gateway?.shared?.address === address);
  const own = all.find((member) => member.name === name);
  const others = all.filter((member) => member !== own);
  const differs = others.flatMap((other) => {
    const [mine, theirs] = [settings(own ?? other), settings(other)];
    return Object.keys({ ...mine, ...theirs })
      .filter((key) => canonicalJson(mine[key] ?? null) !== canonicalJson(theirs[key] ?? null))
      .map((key) => `${key} is not what ${other.name} has`);
  });
  const taken = members.find(({ inventory }) => inventory.address === address)?.name;
  return {
    ...(taken === undefined ? {} : { taken }),
    others: others.flatMap(({ inventory }) => (inventory.address === undefined ? [] : [inventory.address])),
    ...(differs[0] === undefined ? {} : { differs: differs[0] }),
  };
}

function modelsOf({ models }: GatewayInventory): Record<string, { port?: number | undefined }> | undefined {
  return Array.isArray(models) ? Object.fromEntries(models.map((model) => [model, {}])) : models;
}

/** Nodes by model; of each model by the host's name. */
function serversOf(fleet: Fleet): Record<string, ModelServer[]> {
  const servers: Record<string, ModelServer[]> = {};
  for (const { model, host, address, port, tls, asksForKey } of fleet
    .of('model-server')
    .sort(by(({ host: name }) => name)))
    (servers[model] ??= []).push({ host, address, port, tls, asksForKey });
  return servers;
}
