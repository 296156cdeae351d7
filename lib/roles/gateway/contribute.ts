import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import type { Fleet, RoleContribution } from '../../site/index.js';
import { hostPort } from '../../text/address.js';
import { gatewayAlerts } from './alerts.js';
import { gatewayDashboard } from './dashboard.js';
import { Gateway } from './gateway.js';
import './keys.js';

/** What gateways tell other roles: that they ask models, what to scrape, rules, and a dashboard. */
export function contribute({ members }: Fleet): RoleContribution[] {
  const gateways = members.flatMap(({ name, inventory: { gateway, address } }) =>
    gateway === undefined || address === undefined ? [] : [{ host: name, address }],
  );
  if (gateways.length === 0) return [];
  return [
    ...gateways.flatMap(({ host, address }): RoleContribution[] => [
      { kind: 'model-client', host },
      {
        kind: 'scrape-target',
        job: JOBS.gateway,
        address: hostPort(address, Gateway.METRICS_PORT),
        labels: { host },
      },
    ]),
    { kind: 'alerts', group: ({ thresholds }) => gatewayAlerts(thresholds) },
    { kind: 'dashboard', dashboard: gatewayDashboard() },
  ];
}
