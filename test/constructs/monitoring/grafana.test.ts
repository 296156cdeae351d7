import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AptRepositoryProps } from '../../../lib/constructs/host/index.js';
import { GrafanaServer, type GrafanaServerProps } from '../../../lib/constructs/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { devOps, devOpsProblems, textOf } from './daemon-files.js';

const KEY = '-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDMEZ\n-----END PGP PUBLIC KEY BLOCK-----\n';
const REPOSITORY: AptRepositoryProps = { url: 'https://apt.grafana.com', suite: 'stable', key: KEY };
const PROPS: GrafanaServerProps = {
  reach: ['10.0.0.0/24'],
  rootUrl: 'http://10.0.0.1:3000',
  source: { repository: REPOSITORY },
  adminPassword: secret('grafana_admin'),
  dataSources: [
    {
      name: 'Prometheus $1',
      uid: 'prometheus',
      type: 'prometheus',
      url: 'http://127.0.0.1:9090',
      isDefault: true,
      scrapeInterval: '15s',
    },
  ],
  dashboards: { overview: '{"uid":"overview"}', gpus: '{"uid":"gpus"}' },
};
const synth = (props: Partial<GrafanaServerProps> = {}) =>
  devOps((host) => new GrafanaServer(host, 'grafana', { ...PROPS, ...props }));
const refusals = (props: Partial<GrafanaServerProps>): string[] =>
  devOpsProblems((host) => new GrafanaServer(host, 'grafana', { ...PROPS, ...props }));
const withRepository = (change: Partial<AptRepositoryProps>): Partial<GrafanaServerProps> => ({
  source: { repository: { ...REPOSITORY, ...change } },
});

describe('GrafanaServer', () => {
  it('comes from a repository that one key may sign', () => {
    const manifest = synth();
    expect(textOf(manifest, '/etc/apt/keyrings/grafana.asc')).toBe(KEY);
    expect(textOf(manifest, '/etc/apt/sources.list.d/grafana.sources')).toBe(`Types: deb
URIs: https://apt.grafana.com
Suites: stable
Components: main
Signed-By: /etc/apt/keyrings/grafana.asc
`);
    expect(manifest.packages?.['grafana']).toEqual({});
  });

  it('or from a file on the host', () => {
    const manifest = synth({ source: { file: '/srv/grafana.deb', version: '12.0.0' } });
    expect(manifest.packages?.['grafana']).toEqual({ source: '/srv/grafana.deb', version: '12.0.0' });
    expect(Object.keys(manifest.files ?? {}).filter((path) => path.startsWith('/etc/apt/'))).toEqual([]);
  });

  it('lets nobody in without an account, phones nobody, and reads the password from a file', () => {
    const manifest = synth();
    const ini = textOf(manifest, '/etc/grafana/grafana.ini');
    expect(ini).toContain('[auth.anonymous]\nenabled = false\n');
    expect(ini).toContain('admin_password = $__file{/etc/grafana/admin-password}\n');
    expect(ini).toContain('[analytics]\nreporting_enabled = false\ncheck_for_updates = false\n');
    expect(ini).toContain('allow_sign_up = false');
    expect(ini).toContain('[server]\nhttp_port = 3000\nroot_url = http://10.0.0.1:3000\n');
    expect(manifest.files?.['/etc/grafana/admin-password']).toMatchObject({
      secret: 'grafana_admin',
      group: 'grafana',
      mode: '0640',
    });
    expect(JSON.stringify(manifest)).not.toContain('@@secret');
  });

  it('is provisioned: data sources, and dashboards that nobody edits in the browser', () => {
    const manifest = synth();
    const sources = parse(textOf(manifest, '/etc/grafana/provisioning/datasources/citadel.yaml')) as unknown;
    expect(sources).toEqual({
      apiVersion: 1,
      prune: true,
      datasources: [
        {
          // Grafana expands variables in it; a dollar is written twice.
          name: 'Prometheus $$1',
          uid: 'prometheus',
          type: 'prometheus',
          access: 'proxy',
          url: 'http://127.0.0.1:9090',
          isDefault: true,
          editable: false,
          jsonData: {
            httpMethod: 'POST',
            prometheusType: 'Prometheus',
            manageAlerts: false,
            timeInterval: '15s',
          },
        },
      ],
    });
    const provider = parse(textOf(manifest, '/etc/grafana/provisioning/dashboards/citadel.yaml')) as unknown;
    expect(provider).toMatchObject({
      providers: [{ allowUiUpdates: false, options: { path: '/etc/grafana/dashboards' } }],
    });
    expect(manifest.files?.['/etc/grafana/dashboards/gpus.json']).toMatchObject({
      content: '{"uid":"gpus"}',
      validate: 'json',
    });
  });

  it('is restarted for settings and data sources, not for dashboards, which it polls', () => {
    const restartOn = synth().units?.['grafana-server.service']?.restartOn ?? [];
    expect(restartOn).toContain('/etc/grafana/grafana.ini');
    expect(restartOn).toContain('/etc/grafana/provisioning/datasources/citadel.yaml');
    expect(restartOn.filter((path) => path.startsWith('/etc/grafana/dashboards/'))).toEqual([]);
  });
});

const at = '[dev-ops/grafana';

/** What is changed → the whole message. */
const REFUSED: readonly (readonly [string, Partial<GrafanaServerProps>, string])[] = [
  [
    'two dashboards with one uid',
    { dashboards: { a: '{"uid":"x"}', b: '{"uid":"x"}' } },
    `${at}] dashboards.b: the uid "x" is that of the dashboard "a" as well. Give each dashboard a uid of its own.`,
  ],
  [
    'a dashboard without a uid',
    { dashboards: { a: '{"title":"x"}' } },
    `${at}] dashboards.a: it has no uid, and Grafana would give it another at every start. Give 1 to 40 letters, digits, "_" and "-".`,
  ],
  [
    'a dashboard with a uid that makes no address',
    { dashboards: { a: '{"uid":"x y"}' } },
    `${at}] dashboards.a: "x y" is not a uid that stays. Give 1 to 40 letters, digits, "_" and "-".`,
  ],
  [
    'a dashboard that is no JSON',
    { dashboards: { a: '{"uid":' } },
    `${at}] dashboards.a: it is not a JSON object. Give the text of a dashboard as Grafana exports it.`,
  ],
  [
    'a repository without encryption',
    withRepository({ url: 'http://apt.grafana.com' }),
    `${at}/repository] url: "http://apt.grafana.com" is not an https address. Give one.`,
  ],
  [
    'a suite of two words',
    withRepository({ suite: 'stable main' }),
    `${at}/repository] suite: "stable main" is not a name of one word. Use letters, digits, ".", "_", "/" and "-".`,
  ],
  [
    'a component of two words',
    withRepository({ components: ['main', 'a b'] }),
    `${at}/repository] components: "a b" is not a name of one word. Use letters, digits, ".", "_", "/" and "-".`,
  ],
  [
    'a key that is none',
    withRepository({ key: 'mDMEZ' }),
    `${at}/repository] key: the key is not an ASCII-armoured public key. Give the text that "gpg --armor --export" prints.`,
  ],
  [
    'a name that apt passes over',
    withRepository({ name: 'Grafana.Labs' }),
    `${at}/repository] name: "Grafana.Labs" cannot name a file that apt reads. Use a-z, 0-9 and "-".`,
  ],
];

describe('GrafanaServer refuses', () => {
  it.each(REFUSED)('%s', (_name, props, message) => {
    expect(refusals(props)).toEqual([message]);
  });
});
