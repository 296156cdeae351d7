import type { HostManifest } from '../../manifest/index.js';
import type { Loss, RoleRecovery } from '../../site/index.js';

/** What a monitoring server knows and nothing saves, by the unit that knows it. */
const BY_UNIT: Readonly<Record<string, Loss>> = {
  'prometheus.service': {
    what: 'metrics from before: Prometheus’ time series have no backup',
    fix: 'Graphs and alerts begin again; alerts that look at days know them in days.',
  },
  'prometheus-alertmanager.service': {
    what: 'silences of Alertmanager, and what it has told already',
    fix: 'Silence again what is being worked on; alerts that are still true are sent once more.',
  },
  'grafana-server.service': {
    what: 'Grafana’s own database: accounts, and dashboards made by hand',
    fix: 'Dashboards of the configuration are back. Put others into the configuration before the next time.',
  },
};

export const recovery: RoleRecovery = {
  losses: ({ units = {} }: HostManifest) => {
    const losses = Object.entries(BY_UNIT).flatMap(([unit, loss]) =>
      units[unit] === undefined ? [] : [loss],
    );
    // A rebuild brings back what is kept off-site.
    return units['citadel-offsite.timer'] === undefined ? losses : [];
  },
};
