import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scrapeSchema } from '../../lib/roles/monitoring/schema/scrape.js';
import { METRICS } from '../../lib/constructs/monitoring/metrics/index.js';
import { buildHosts } from '../../stacks/app.js';
import { scrapedBy } from '../support/scraped.js';
import { parseInventory } from '../support/site.js';
import { wholeInventory } from '../roles/monitoring/alert-tree.js';
import { contentOf } from './example.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

const whole = wholeInventory();
const devOps = whole.hosts['dev-ops']!;
const scrape = scrapeSchema.parse({
  dcgm: { targets: ['192.168.10.35:9400'], labels: { host: 'ai-node' }, intervalSec: 30, timeoutSec: 5 },
  shop: {
    targets: ['shop.example.org:443'],
    path: '/internal/metrics',
    https: true,
    caFile: '/etc/ssl/certs/ca-certificates.crt',
    username: 'prometheus',
    password: 'shop_password',
    honorLabels: true,
    relabel: [{ source_labels: ['__address__'], regex: '(.*):.*', target_label: 'site' }],
    metricRelabel: [{ source_labels: ['__name__'], regex: 'go_.*', action: 'drop' }],
  },
});
const manifest = buildHosts({
  ...whole,
  hosts: { ...whole.hosts, 'dev-ops': { ...devOps, monitoring: { ...devOps.monitoring!, scrape } } },
}).find(({ host }) => host === 'dev-ops')!;
const config = contentOf(manifest, '/etc/prometheus/prometheus.yml');

describe('exporters that the inventory adds', () => {
  it('are scraped as it says, with secrets in files', () => {
    expect(config).toContain(`  - job_name: dcgm
    scrape_interval: 30s
    scrape_timeout: 5s
    file_sd_configs:
      - files:
          - /etc/prometheus/targets/dcgm.yml
`);
    expect(scrapedBy(manifest)['dcgm']).toEqual([
      { targets: ['192.168.10.35:9400'], labels: { host: 'ai-node' } },
    ]);
    expect(config).toContain(`    metrics_path: /internal/metrics
    scheme: https
    tls_config:
      ca_file: /etc/ssl/certs/ca-certificates.crt
    basic_auth:
      username: prometheus
      password_file: /etc/prometheus/secrets/scrape-shop
    honor_labels: true
    relabel_configs:
`);
    expect(manifest.files?.['/etc/prometheus/secrets/scrape-shop']).toMatchObject({
      secret: 'shop_password',
      group: 'prometheus',
      mode: '0640',
    });
  });

  it.skipIf(!hasTool('promtool'))('in words that promtool takes', () => {
    const root = scratch();
    writeTree(root, { 'prometheus.yml': config });
    const { output } = tool('promtool', ['check', 'config', '--syntax-only', join(root, 'prometheus.yml')]);
    expect(output).toContain('SUCCESS');
  });

  it('have a job of their own, and a secret that is there', () => {
    const text = (lines: string): string => `operator: { addresses: [10.0.0.0/8] }
hosts: { dev-ops: { address: 10.0.0.1, monitoring: { scrape: { ${lines} } } } }
`;
    expect(() => parseInventory(text('node: { targets: ["a:1"] }'), 'i.yaml')).toThrow(
      /scrape.node: "node" is the name of a job that is scraped anyway. Give it another name./,
    );
    expect(() => parseInventory(text('x: { targets: ["a:1"], bearerToken: t }'), 'i.yaml')).toThrow(
      /no secret is called "t"/,
    );
    expect(() => parseInventory(text('x: { targets: ["a:1"], username: u }'), 'i.yaml')).toThrow(
      /needs "username" with "password"/,
    );
  });
});

describe('the metrics that rules may ask for', () => {
  it('are not those of a collector that is off', () => {
    // systemd_linux.go: needs --collector.systemd.enable-start-time-metrics.
    expect(METRICS.all.map(({ name }) => name)).not.toContain('node_systemd_unit_start_time_seconds');
  });
});
