import { MonitoredService } from '../../constructs/monitoring/coverage.js';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import { secret } from '../../constructs/secret.js';
import { Duration, Size } from '../../constructs/units.js';
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
  const { upstreamKey, upstreamCa, tls } = gateway;
  const monitors = fleet.hostsThat('scraper');
  const models = modelsOf(gateway);
  new Gateway(host, 'gateway', {
    address,
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
