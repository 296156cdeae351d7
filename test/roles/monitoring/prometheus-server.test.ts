import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PrometheusServer, type PrometheusServerProps } from '../../../lib/roles/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { Duration, Size } from '../../../lib/constructs/units.js';
import { hasTool } from '../../stacks/tools.js';
import { devOps, devOpsProblems, moved, promtool, textOf } from './daemon-files.js';

const CONFIG = '/etc/prometheus/prometheus.yml';
const PLAIN: PrometheusServerProps = {
  reach: ['10.0.0.0/24'],
  scrapeInterval: Duration.seconds(15),
  retention: Duration.days(30),
};
const FULL: PrometheusServerProps = {
  ...PLAIN,
  port: 9091,
  evaluationInterval: Duration.seconds(30),
  externalLabels: { site: 'a', region: 'b' },
  externalUrl: 'http://10.0.0.1:9091',
  retentionSize: Size.gibibytes(2),
  alertmanagers: [
    {
      address: '10.0.0.2:9093',
      client: { scheme: 'https', tls_config: { ca_file: '/etc/prometheus/ca.pem' } },
    },
    { address: '10.0.0.1:9093' },
  ],
  remoteWrite: [
    {
      url: 'https://a.example.org/write',
      name: 'a',
      basicAuth: { username: 'ann', password: secret('a_password') },
    },
    { url: 'https://b.example.org/write', bearerToken: secret('b_token') },
    { url: 'https://c.example.org/write' },
  ],
};
const RULES = 'groups:\n  - name: g\n    rules:\n      - alert: Down\n        expr: up == 0\n';

const synth = (props: PrometheusServerProps, more: (server: PrometheusServer) => void = () => undefined) =>
  devOps((host) => more(new PrometheusServer(host, 'prometheus', props)));

/** Targets in one order and in the other, jobs of every kind, a rule file. */
const populate =
  (reverse = false) =>
  (server: PrometheusServer): void => {
    const targets = [
      { job: 'node', address: '10.0.0.1:9100', labels: { host: 'a' } },
      { job: 'node', address: '10.0.0.2:9100', labels: { host: 'b' } },
      { job: 'probe', address: 'http://10.0.0.2/health', labels: { host: 'b' } },
    ];
    for (const target of reverse ? targets.reverse() : targets) server.addTarget(target);
    server.configureJob('node', { interval: Duration.seconds(5), timeout: Duration.seconds(2), path: '/m' });
    server.configureJob('probe', { prober: { address: '127.0.0.1:9115', module: 'http_ok' } });
    server.addRules('mine', RULES);
  };

describe('PrometheusServer', () => {
  it('writes the least that a Prometheus needs', () => {
    expect(textOf(synth(PLAIN), CONFIG)).toBe(
      'global:\n  scrape_interval: 15s\n  evaluation_interval: 15s\nrule_files:\n  - /etc/prometheus/rules/*.yml\nscrape_configs: []\n',
    );
  });

  it('is the same whatever the order of declarations', () => {
    expect(synth(FULL, populate())).toEqual(synth(FULL, populate(true)));
  });

  it('is restarted for its arguments, reloaded for configuration and rules, and then asked whether it took them', () => {
    const manifest = synth(FULL, populate());
    const unit = manifest.units?.['prometheus.service'];
    expect(unit?.reloadOn).toEqual([CONFIG, '/etc/prometheus/rules/mine.yml']);
    expect(unit?.restartOn).toEqual(['/etc/default/prometheus']);
    expect(textOf(manifest, '/etc/default/prometheus')).toContain(`ARGS="--web.listen-address=:9091 \\
  --web.external-url=http://10.0.0.1:9091 \\
  --storage.tsdb.retention.time=30d \\
  --storage.tsdb.retention.size=2147483648B"`);
    expect(manifest.checks?.['prometheus-configuration']).toMatchObject({
      command: [
        '/usr/local/lib/citadel/configuration-taken',
        'http://127.0.0.1:9091',
        'prometheus',
        CONFIG,
        '/etc/prometheus/rules/mine.yml',
      ],
    });
    expect(manifest.files?.['/etc/prometheus/rules/mine.yml']?.validate).toBe('prometheus-rules');
    expect(manifest.files?.[CONFIG]?.validate).toBe('prometheus-config');
  });

  it('has as long to read its configuration as scrapes of hosts that are down may hold up a reload', () => {
    const limit = (props: PrometheusServerProps, more?: (server: PrometheusServer) => void) =>
      synth(props, more).checks?.['prometheus-configuration']?.timeoutSec;
    expect(limit(PLAIN)).toBe(30);
    // What "node" says of itself, and the limit that Prometheus gives a job that says nothing.
    expect(limit(PLAIN, populate())).toBe(30 + 2 + 10);
    expect(limit({ ...PLAIN, scrapeInterval: Duration.seconds(4) }, populate())).toBe(30 + 2 + 4);
  });

  it('keeps secrets of remote writes in files of the daemon', () => {
    const manifest = synth(FULL);
    expect(textOf(manifest, CONFIG)).not.toContain('@@secret');
    const own = { owner: 'root', group: 'prometheus', mode: '0640' };
    expect(manifest.files?.['/etc/prometheus/secrets/remote-write-0']).toMatchObject({
      ...own,
      secret: 'a_password',
    });
    expect(manifest.files?.['/etc/prometheus/secrets/remote-write-1']).toMatchObject({
      ...own,
      secret: 'b_token',
    });
    expect(manifest.files?.['/etc/prometheus/secrets/remote-write-2']).toBeUndefined();
  });

  it('refuses an argument that its unit would split', () => {
    expect(
      devOpsProblems(
        (host) => new PrometheusServer(host, 'prometheus', { ...PLAIN, externalUrl: 'http://a b' }),
      ),
    ).toEqual([
      '[dev-ops/prometheus/arguments] arguments[1]: "--web.external-url=http://a b" is empty or has white space, a quote or a backslash, which /etc/default/prometheus cannot hold. Use another spelling, for example [0-9] for \\d.',
    ]);
  });

  describe.skipIf(!hasTool('promtool'))('as Prometheus itself reads it', () => {
    it.each([
      ['plain', synth(PLAIN), 0],
      ['with everything', synth({ ...FULL, alertmanagers: [{ address: '10.0.0.1:9093' }] }, populate()), 1],
    ])('is taken: %s', (_name, manifest, rules) => {
      const { status, output } = promtool(
        'check',
        'config',
        join(moved(manifest, '/etc/prometheus'), 'prometheus.yml'),
      );
      expect(output).toContain('is valid prometheus config file syntax');
      if (rules > 0) expect(output).toContain(`${rules} rule files found`);
      expect(status).toBe(0);
    });

    it('is refused with a rule that is none', () => {
      const manifest = synth(PLAIN, (server) => server.addRules('bad', RULES.replace('up == 0', 'up ==')));
      const { status, output } = promtool(
        'check',
        'config',
        join(moved(manifest, '/etc/prometheus'), 'prometheus.yml'),
      );
      expect(output).toContain('could not parse expression');
      expect(status).toBe(1);
    });
  });
});
