import { AiNode, type NodeEndpoints } from '../lib/constructs/ai/index.js';
import type { Host } from '../lib/constructs/host/index.js';
import { overviewImport } from '../lib/constructs/monitoring/dashboards/index.js';
import { CurlLogin } from '../lib/constructs/operations/index.js';
import { secret } from '../lib/constructs/secret.js';
import type { Fleet, Member } from './fleet.js';

/** A GPU node with model services. Does nothing for a host whose inventory has no `ai`. */
export function addAiNode({ host, inventory }: Member, fleet: Fleet): void {
  const { ai } = inventory;
  if (ai === undefined) return;
  const requirements = ai.vllm === undefined ? undefined : fleet.inventory.texts?.[ai.vllm.requirements];
  new AiNode(host, 'ai', {
    inventory: { ...inventory, ai },
    reach: [...fleet.operators, ...fleet.monitors],
    monitors: fleet.monitors.length === 0 ? 'loopback' : fleet.monitors,
    thresholds: fleet.inventory.thresholds,
    endpoints: endpointsOf(fleet),
    ...(requirements === undefined ? {} : { requirements }),
    // In the form in which a person posts it to Grafana.
    dashboards: { 'citadel-overview.json': overviewImport(fleet.dashboardFacts) },
  });
  addGrafanaLogin(host, ai.account, fleet);
}

/** Grafana lets nobody in without an account; what people type on this host has none in it. */
function addGrafanaLogin(host: Host, account: string, fleet: Fleet): void {
  for (const { inventory } of fleet.members) {
    const { address, monitoring } = inventory;
    if (address === undefined || monitoring?.grafana === undefined) continue;
    new CurlLogin(host, 'grafana-login', {
      account,
      server: address,
      user: 'admin',
      password: secret(monitoring.grafana.adminPassword),
    });
    return;
  }
}

/** Where the first monitoring server of the fleet is reached. */
function endpointsOf(fleet: Fleet): NodeEndpoints {
  const server = fleet.members.find(({ inventory: { monitoring } }) => monitoring !== undefined);
  const { address, monitoring } = server?.inventory ?? {};
  if (address === undefined || monitoring === undefined) return {};
  const { prometheus, alertmanager, grafana } = monitoring;
  const url = (port: number): string => `http://${address}:${port}`;
  return {
    prometheus: url(prometheus.port),
    alertmanager: url(alertmanager.port),
    ...(grafana === undefined ? {} : { grafana: url(grafana.port) }),
  };
}
