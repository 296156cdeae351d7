import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { DevOpsServer, type DevOpsServerProps } from '../../../lib/roles/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { Duration } from '../../../lib/constructs/units.js';
import { hasTool } from '../../stacks/tools.js';
import { devOps, devOpsProblems, moved, promtool, textOf } from './daemon-files.js';
import { scrapedBy, type TargetGroup } from '../../support/scraped.js';

const reach = ['10.0.0.0/24'];
const PROPS: DevOpsServerProps = {
  prometheus: { reach, scrapeInterval: Duration.seconds(15), retention: Duration.days(30) },
  alertmanager: { reach, receivers: { operators: [] }, route: { receiver: 'operators' } },
  grafana: {
    reach,
    rootUrl: 'http://10.0.0.1:3000',
    source: { file: '/srv/grafana.deb' },
    adminPassword: secret('grafana_admin'),
  },
  targets: [{ job: 'node', address: '10.0.0.2:9100', labels: { host: 'ai-node' } }],
  probes: [{ url: 'http://10.0.0.2:11403/health', labels: { host: 'ai-node', service: 'phi3' } }],
};
const web = {
  tls: { certificate: '/etc/ssl/a.pem', key: '/etc/ssl/a.key', ca: '/etc/ssl/ca.pem' },
  basicAuth: { username: 'ann', password: secret('a_password'), passwordHash: secret('a_hash') },
};

interface Scrape {
  readonly job_name: string;
  readonly scheme?: string;
  readonly basic_auth?: { readonly password_file: string };
  readonly static_configs: readonly TargetGroup[];
  readonly relabel_configs?: readonly { readonly replacement?: string }[];
}

const { grafana: _, ...WITHOUT_GRAFANA } = PROPS;

function build(change: Partial<DevOpsServerProps> = {}, props: DevOpsServerProps = PROPS) {
  const manifest = devOps((host) => new DevOpsServer(host, 'dev-ops', { ...props, ...change }));
  const config = parse(textOf(manifest, '/etc/prometheus/prometheus.yml')) as {
    readonly scrape_configs: readonly Scrape[];
    readonly alerting: { readonly alertmanagers: readonly Scrape[] };
  };
  const scraped = scrapedBy(manifest);
  const job = (name: string): Scrape | undefined =>
    config.scrape_configs.find(({ job_name }) => job_name === name);
  const targets = (name: string): string[] =>
    (scraped[name] ?? []).map(
      ({ targets: [target = ''], labels }) => `${target} ${Object.values(labels).join(' ')}`,
    );
  return { manifest, config, job, targets };
}

describe('DevOpsServer', () => {
  it('scrapes and probes itself next to what it is given', () => {
    const { config, targets, job } = build();
    expect(config.scrape_configs.map(({ job_name }) => job_name)).toEqual([
      'alertmanager',
      'blackbox',
      'grafana',
      'node',
      'probe',
      'prometheus',
    ]);
    expect(targets('node')).toEqual(['10.0.0.2:9100 ai-node']);
    expect(targets('probe')).toEqual([
      'http://10.0.0.2:11403/health ai-node phi3',
      'http://127.0.0.1:3000/api/health dev-ops grafana',
      'http://127.0.0.1:9090/-/healthy dev-ops prometheus',
      'http://127.0.0.1:9093/-/healthy dev-ops alertmanager',
    ]);
    expect(job('probe')?.relabel_configs?.at(-1)?.replacement).toBe('127.0.0.1:9115');
    expect(config.alerting.alertmanagers[0]?.static_configs[0]?.targets).toEqual(['127.0.0.1:9093']);
  });

  it('without Grafana has nothing of it', () => {
    expect(JSON.stringify(build({}, WITHOUT_GRAFANA).manifest)).not.toMatch(/grafana/i);
  });

  it('gets through to servers that ask for an account, and has the daemon’s own client files', () => {
    const { job, config, targets, manifest } = build(
      { alertmanager: { ...PROPS.alertmanager, web }, prometheus: { ...PROPS.prometheus, web } },
      WITHOUT_GRAFANA,
    );
    for (const [name, file] of [
      ['alertmanager', '/etc/prometheus/web-alertmanager.password'],
      ['prometheus', '/etc/prometheus/web-prometheus.password'],
    ] as const) {
      expect(job(name)?.scheme).toBe('https');
      expect(job(name)?.basic_auth?.password_file).toBe(file);
      expect(manifest.files?.[file]?.group).toBe('prometheus');
    }
    expect(config.alerting.alertmanagers[0]?.scheme).toBe('https');
    // Their own metrics say that they are well: the exporter that asks has no account.
    expect(targets('probe').join()).not.toMatch(/909[03]/);
    expect(Object.keys(manifest.checks ?? {})).not.toContain('prometheus');
    expect(manifest.checks?.['prometheus-configuration']).toMatchObject({
      command: expect.arrayContaining(['--user', 'ann', 'https://127.0.0.1:9090']) as string[],
    });
  });

  it('asks each daemon whether it took its files', () => {
    expect(
      Object.keys(build().manifest.checks ?? {}).filter((name) => name.endsWith('-configuration')),
    ).toEqual(['alertmanager-configuration', 'blackbox-exporter-configuration', 'prometheus-configuration']);
  });

  it('refuses accounts that Grafana would not have', () => {
    const props = { ...PROPS, alertmanager: { ...PROPS.alertmanager, web } };
    expect(devOpsProblems((host) => new DevOpsServer(host, 'dev-ops', props))).toEqual([
      '[dev-ops/dev-ops] alertmanager.web: it asks for an account or TLS, which Grafana’s data source does not have. Let the firewall alone protect it (reach), or leave Grafana out.',
    ]);
  });

  it('adds rule files', () => {
    const rules = { extra: 'groups: []\n' };
    expect(textOf(build({ rules }).manifest, '/etc/prometheus/rules/extra.yml')).toBe(rules.extra);
  });

  it.skipIf(!hasTool('promtool'))('has a configuration that Prometheus takes', () => {
    const file = join(moved(build().manifest, '/etc/prometheus'), 'prometheus.yml');
    const { status, output } = promtool('check', 'config', '--lint=all', file);
    expect(output).toContain('is valid prometheus config file syntax');
    expect(status).toBe(0);
  });
});
