import type { Fleet, RoleContribution } from '../../site/index.js';
import { hostPort } from '../../text/address.js';
import { dashboards } from './dashboard-facts.js';
import { overviewImport } from './dashboards/index.js';
import { IMPORT_USER } from './grafana/index.js';
import './keys.js';

/** What monitoring servers tell other roles: that they scrape, where they are asked, and what the inventory adds to probe. */
export function contribute(fleet: Fleet): RoleContribution[] {
  return [
    {
      kind: 'dashboard-import',
      name: 'citadel-overview.json',
      content: () => overviewImport(dashboards(fleet)),
    },
    ...fleet.members.flatMap(({ name: host, inventory: { monitoring, address } }): RoleContribution[] => {
      if (monitoring === undefined) return [];
      const { prometheus, alertmanager, grafana, probes } = monitoring;
      const asked = Object.entries(probes).map(([service, { url }]): RoleContribution => ({
        kind: 'probe',
        url,
        labels: { host, service },
      }));
      const state = stateOf(host, grafana !== undefined);
      if (address === undefined) return [{ kind: 'scraper', host }, ...asked, ...state];
      const endpoint = { kind: 'endpoint', host, address } as const;
      const url = (port: number): string => `http://${hostPort(address, port)}`;
      return [
        { kind: 'scraper', host },
        ...asked,
        ...state,
        { ...endpoint, name: 'prometheus', url: url(prometheus.port) },
        { ...endpoint, name: 'alertmanager', url: url(alertmanager.port) },
        ...(grafana === undefined
          ? []
          : [
              {
                ...endpoint,
                name: 'grafana',
                url: url(grafana.port),
                // Never that of "admin": whoever is root on another host would be the server's administrator as well.
                ...(grafana.importPassword !== undefined && {
                  login: { user: IMPORT_USER, password: grafana.importPassword },
                }),
              },
            ]),
      ];
    }),
  ];
}

/** Samples, silences, and what people made in Grafana: paths of Debian's packages and of Grafana's. */
function stateOf(host: string, grafana: boolean): RoleContribution[] {
  return [
    {
      kind: 'state',
      host,
      how: 'prometheus',
      path: '/var/lib/prometheus/metrics2',
      owner: 'prometheus',
      unit: 'prometheus.service',
    },
    {
      kind: 'state',
      host,
      how: 'files',
      path: '/var/lib/prometheus/alertmanager',
      owner: 'prometheus',
      unit: 'prometheus-alertmanager.service',
    },
    ...(grafana
      ? [
          {
            kind: 'state',
            host,
            how: 'sqlite',
            path: '/var/lib/grafana/grafana.db',
            owner: 'grafana',
            unit: 'grafana-server.service',
          } as const,
        ]
      : []),
  ];
}
