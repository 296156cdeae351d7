import { z } from 'zod';
import { JOBS } from '../../constructs/monitoring/metrics/index.js';
import { tcpPort } from '../../inventory/index.js';
import { ROLE_API_VERSION, type Fleet, type Role, type RoleContribution } from '../../site/index.js';
import { hostPort } from '../../text/address.js';
import { diskAlerts } from './alerts/disks.js';
import { driftAlerts } from './alerts/drift.js';
import { hostAlerts } from './alerts/hosts.js';
import { offsiteAlerts } from './alerts/offsite.js';
import { smartAlerts } from './alerts/smart.js';
import { buildBase } from './build.js';
import { journalSchema, type JournalInventory } from './journal.js';
import { offsiteSchema, type OffsiteInventory } from './offsite/schema.js';

const nodeExporterSchema = z
  .strictObject({ port: tcpPort('TCP port of the node exporter').default(9100) })
  .prefault({})
  .describe('The exporter of machine metrics');

declare module '../../inventory/role-keys.js' {
  interface RoleHostKeys {
    nodeExporter: z.infer<typeof nodeExporterSchema>;
    journal: JournalInventory;
    offsite?: OffsiteInventory;
  }
}

/** What every host of a site with this role has: its disks, machine metrics, a firewall, and a look for drift. */
export const base: Role = {
  name: 'base',
  apiVersion: ROLE_API_VERSION,
  schema: {
    host: {
      nodeExporter: nodeExporterSchema,
      journal: journalSchema,
      offsite: offsiteSchema.optional().describe('What of this host is kept elsewhere, by restic'),
    },
  },
  contribute,
  build: buildBase,
  consumes: () => ['disks', 'scraper', 'state'],
};

function contribute({ members }: Fleet): RoleContribution[] {
  return [
    ...members.flatMap(({ name: host, inventory: { address, nodeExporter } }): RoleContribution[] =>
      address === undefined
        ? []
        : [
            {
              kind: 'scrape-target',
              job: JOBS.node,
              address: hostPort(address, nodeExporter.port),
              labels: { host },
            },
          ],
    ),
    { kind: 'alerts', group: hostAlerts },
    { kind: 'alerts', group: diskAlerts },
    { kind: 'alerts', group: smartAlerts },
    { kind: 'alerts', group: driftAlerts },
    { kind: 'alerts', group: offsiteAlerts },
  ];
}
