import type { Host } from '../../constructs/host/index.js';
import { MonitoredService } from '../../constructs/monitoring/coverage.js';
import { secret } from '../../constructs/secret.js';
import type { Fleet, Member } from '../../site/index.js';
import { AiNode } from './ai-node.js';
import { aiServices } from './coverage.js';
import './keys.js';
import type { NodeEndpoints } from './node-facts.js';
import { CurlLogin } from './operations/index.js';
import { LOCK_FILE, parseLock } from './weights/lock-file.js';

/** A GPU node with model services. Does nothing for a host whose inventory has no `ai`. */
export function buildAiNode(member: Member, fleet: Fleet): void {
  const { host, inventory } = member;
  const { ai } = inventory;
  if (ai === undefined) return;
  const requirements = ai.vllm === undefined ? undefined : fleet.inventory.texts?.[ai.vllm.requirements];
  const driverKey = ai.driver?.key === undefined ? undefined : fleet.inventory.texts?.[ai.driver.key];
  const monitors = fleet.hostsThat('scraper');
  new AiNode(host, 'ai', {
    inventory: { ...inventory, ai },
    reach: [...fleet.operators, ...monitors],
    gateways: fleet.hostsThat('model-client'),
    monitors: monitors.length === 0 ? 'loopback' : monitors,
    thresholds: fleet.inventory.thresholds,
    endpoints: endpointsOf(fleet),
    ...(requirements === undefined ? {} : { requirements }),
    ...(driverKey === undefined ? {} : { driverKey }),
    locked: parseLock(fleet.inventory.texts?.[LOCK_FILE]),
    dashboards: Object.fromEntries(
      fleet.of('dashboard-import').map(({ name, content }) => [name, content()]),
    ),
  });
  addLogin(host, ai.account, fleet);
  MonitoredService.addAll(host, aiServices(member, fleet));
}

/** Grafana lets no one in without an account; what people type on this host has none in it. */
function addLogin(host: Host, account: string, fleet: Fleet): void {
  const grafana = fleet.of('endpoint').find(({ name, login }) => name === 'grafana' && login !== undefined);
  if (grafana?.login === undefined) return;
  const { user, password } = grafana.login;
  new CurlLogin(host, 'grafana-login', {
    account,
    server: grafana.address,
    user,
    password: secret(password),
  });
}

/** Where the first monitoring server of the fleet is reached. */
function endpointsOf(fleet: Fleet): NodeEndpoints {
  const first = fleet.of('endpoint')[0]?.host;
  const urls = fleet
    .of('endpoint')
    .flatMap(({ host, name, url }) => (host === first && NAMES.includes(name) ? [[name, url]] : []));
  return Object.fromEntries(urls) as NodeEndpoints;
}

const NAMES: readonly string[] = ['prometheus', 'alertmanager', 'grafana'] satisfies (keyof NodeEndpoints)[];
