import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { AptRepositoryProps } from '../../../lib/constructs/host/index.js';
import { GrafanaServer, type GrafanaServerProps } from '../../../lib/roles/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { contentOf, inventoryOf, manifestOf } from '../../stacks/example.js';
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
    const pinned = synth({ source: { repository: REPOSITORY, version: '13.1.0' } });
    expect(pinned.packages?.['grafana']).toEqual({ version: '13.1.0' });
  });

  it('or from a file on the host', () => {
    const manifest = synth({ source: { file: '/srv/grafana.deb', version: '12.0.0' } });
    expect(manifest.packages?.['grafana']).toEqual({ source: '/srv/grafana.deb', version: '12.0.0' });
    expect(Object.keys(manifest.files ?? {}).filter((path) => path.startsWith('/etc/apt/'))).toEqual([]);
  });

  it('lets no one in without an account, phones no one, and reads the password from a file', () => {
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

  it('fetches no plugin, opens links from a chat, and shows silences without rules of its own', () => {
    const ini = textOf(synth(), '/etc/grafana/grafana.ini');
    expect(ini).toContain('preinstall_disabled = true\npreinstall_auto_update = false\n');
    expect(ini).toContain('cookie_samesite = lax\n');
    expect(ini).toContain('[unified_alerting]\nenabled = true\nexecute_alerts = false\n');
  });

  it('is well only when its data sources are: its own health is that of its database', () => {
    expect(synth().checks?.['grafana-sources']).toMatchObject({
      kind: 'command',
      command: [
        '/usr/local/lib/citadel/grafana-sources',
        'http://127.0.0.1:3000',
        '/etc/grafana/admin-password',
        'prometheus',
      ],
    });
  });

  it('makes an account for imports, again when its password is another', () => {
    expect(synth().units?.['citadel-once-grafana-importer.service']).toBeUndefined();
    const manifest = synth({ importPassword: secret('grafana_import') });
    expect(manifest.files?.['/etc/grafana/import-password']).toMatchObject({
      secret: 'grafana_import',
      group: 'grafana',
      mode: '0640',
    });
    expect(manifest.units?.['citadel-once-grafana-importer.service']?.restartOn).toContain(
      '/etc/grafana/import-password',
    );
    expect(textOf(manifest, '/etc/systemd/system/citadel-once-grafana-importer.service')).toContain(
      'After=grafana-server.service\n',
    );
  });

  it('gives hosts that import dashboards that account and never the administrator’s', () => {
    const example = inventoryOf('citadel');
    const node = manifestOf(example, 'ai-node');
    expect(contentOf(node, '/home/agent0/.netrc')).toBe(
      'machine 192.168.10.36 login citadel-import password @@secret:grafana_import_password@@\n',
    );
    expect(JSON.stringify(node)).not.toContain('grafana_admin_password');
    const { monitoring } = example.hosts['dev-ops']!;
    const { importPassword: _, ...grafana } = monitoring!.grafana!;
    const without = { ...example, hosts: { ...example.hosts } };
    without.hosts['dev-ops'] = {
      ...example.hosts['dev-ops']!,
      monitoring: { ...monitoring!, grafana },
    };
    expect(manifestOf(without, 'ai-node').files?.['/home/agent0/.netrc']).toBeUndefined();
  });

  it('lets in by single sign-on, writes mail, and shows itself to viewers, as it is told', () => {
    const manifest = synth({
      access: {
        anonymousViewers: true,
        oauth: {
          name: 'Company login',
          clientId: 'grafana',
          clientSecret: secret('oauth_secret'),
          authUrl: 'https://id.example.org/auth',
          tokenUrl: 'https://id.example.org/token',
          apiUrl: 'https://id.example.org/me',
          rolePath: "contains(groups[*], 'ops') && 'Editor' || 'Viewer'",
          allowedDomains: ['example.org'],
        },
        smtp: {
          host: 'mail.example.org:587',
          from: 'grafana@example.org',
          user: 'g',
          password: secret('smtp'),
        },
      },
    });
    const ini = textOf(manifest, '/etc/grafana/grafana.ini');
    expect(ini).toContain('[auth.anonymous]\nenabled = true\norg_role = Viewer\n');
    expect(ini).toContain('[auth.generic_oauth]\nenabled = true\n');
    expect(ini).toContain('client_secret = $__file{/etc/grafana/secrets/oauth_secret}\n');
    expect(ini).toContain('scopes = openid profile email\nuse_pkce = true\n');
    expect(ini).toContain('[smtp]\nenabled = true\nhost = mail.example.org:587\n');
    expect(ini).toContain('password = $__file{/etc/grafana/secrets/smtp}\n');
    expect(manifest.files?.['/etc/grafana/secrets/smtp']).toMatchObject({ secret: 'smtp', mode: '0640' });
    expect(manifest.units?.['grafana-server.service']?.restartOn).toContain('/etc/grafana/secrets/smtp');
  });

  it('is provisioned: data sources, and dashboards that no one edits in the browser', () => {
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
    `${at}/repository] key: the key is not an ASCII-armoured public key. Give the text that "gpg --armor --export" prints, or the bytes of a .gpg.`,
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
