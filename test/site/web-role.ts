import { z } from 'zod';
import {
  alert,
  fires,
  minutes,
  series,
  silent,
  steady,
} from '../../lib/constructs/monitoring/alerts/spec.js';
import { gauge } from '../../lib/constructs/monitoring/metrics/index.js';
import { AptPackage, HostFile, Port, SystemdUnit } from '../../lib/constructs/index.js';
import { formatPath, isMap, ownKey, tcpPort, type HostInventory } from '../../lib/inventory/index.js';
import { ROLE_API_VERSION, type Role, type RoleContribution } from '../../lib/site/index.js';

const webSchema = z
  .strictObject({
    port: tcpPort('TCP port of the exporter').default(9113),
    name: z.string().min(1).describe('Name that people type'),
  })
  .optional()
  .describe('Makes the host a web server');

type Web = z.infer<typeof webSchema>;

const webOf = (host: HostInventory) => ownKey(host, 'web') as Web;

const SHOP = { host: 'a', instance: 'a:9113', job: 'web' };

const down = alert('WebDown', 'critical', {
  expr: 'nginx_up == 0',
  for: minutes(2),
  summary: '{{ $labels.host }} serves no pages',
  description: 'Its exporter answers, and nginx does not.',
  runbook: {
    meaning: 'People see an error.',
    look: [{ on: '$host', type: 'systemctl status nginx', why: 'shows whether it runs' }],
    fix: ['Start it again.'],
    escalate: 'Wake the person responsible for the shop.',
  },
  tests: [
    fires('nginx is down', { [series('nginx_up', SHOP)]: steady(0) }, { labels: SHOP, value: 0 }),
    silent('nginx is up', { [series('nginx_up', SHOP)]: steady(1) }),
  ],
});

/** A role as a stranger writes it: it knows the published entry points, and no other role. */
export const web: Role = {
  name: 'web',
  apiVersion: ROLE_API_VERSION,
  schema: { host: { web: webSchema } },
  serves: ['web'],
  rules: ({ source, path, value }) => {
    const given = value['web'];
    if (!isMap(given) || given['name'] !== 'localhost') return [];
    const at = [...path, 'web', 'name'];
    return [
      {
        code: 'web.name',
        path: source.locate(at),
        property: formatPath(at),
        got: '"localhost" is the name of every machine',
        fix: 'Use the name that people type.',
      },
    ];
  },
  contribute: ({ members }) => [
    {
      kind: 'metrics',
      source: {
        jobs: ['web'],
        targetLabels: ['host', 'instance', 'job'],
        metrics: [gauge('nginx_up', '', 'Whether nginx answers')],
      },
    },
    { kind: 'alerts', group: () => ({ name: 'web', alerts: [down] }) },
    ...members.flatMap(({ name: host, inventory }): RoleContribution[] => {
      const given = webOf(inventory);
      if (given === undefined || inventory.address === undefined) return [];
      const address = `${inventory.address}:${given.port}`;
      return [
        { kind: 'scrape-target', job: 'web', address, labels: { host } },
        { kind: 'probe', url: `http://${inventory.address}/`, labels: { host, service: 'web' } },
        { kind: 'log-file', host, path: '/var/log/nginx/access.log' },
      ];
    }),
  ],
  build: ({ host, inventory }, fleet) => {
    const given = webOf(inventory);
    if (given === undefined) return;
    new AptPackage(host, 'nginx');
    new AptPackage(host, 'exporter', { name: 'prometheus-nginx-exporter' });
    const page = new HostFile(host, 'page', { path: '/var/www/html/name', lines: [given.name] });
    const unit = SystemdUnit.fromPackage(host, 'unit', {
      name: 'prometheus-nginx-exporter.service',
      restartOn: [page],
    });
    const monitors = fleet.hostsThat('scraper');
    new Port(host, 'exporter-port', {
      number: given.port,
      listener: unit,
      reach: monitors.length === 0 ? 'loopback' : monitors,
    });
  },
};
