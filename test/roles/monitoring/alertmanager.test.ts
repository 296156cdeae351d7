import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AlertmanagerServer, type AlertmanagerServerProps } from '../../../lib/roles/monitoring/index.js';
import { secret } from '../../../lib/constructs/secret.js';
import { Duration } from '../../../lib/constructs/units.js';
import { hasTool } from '../../stacks/tools.js';
import { amtool, devOps, devOpsProblems, moved, textOf } from './daemon-files.js';

const CONFIG = '/etc/prometheus/alertmanager.yml';
const PLAIN: AlertmanagerServerProps = {
  reach: ['10.0.0.0/24'],
  receivers: { operators: [{ kind: 'webhook', url: 'http://10.0.0.1:8080/alerts' }] },
  route: { receiver: 'operators' },
};
/** All that there is: four kinds of receivers, routes in routes, windows, inhibition. */
const FULL: AlertmanagerServerProps = {
  ...PLAIN,
  externalUrl: 'http://10.0.0.1:9093',
  receivers: {
    operators: [{ kind: 'webhook', url: 'http://10.0.0.1:8080/a', bearerToken: secret('hook_token') }],
    night: [{ kind: 'pagerduty', routingKey: secret('pager_key') }],
    chat: [
      { kind: 'slack', apiUrl: secret('slack_url'), channel: '#alerts' },
      {
        kind: 'email',
        to: 'ops@example.org',
        from: 'alerts@example.org',
        smarthost: 'mail.example.org:587',
        username: 'alerts',
        password: secret('mail_password'),
        requireTls: false,
      },
    ],
    nobody: [],
  },
  route: {
    receiver: 'operators',
    groupBy: ['alertname'],
    routes: [
      { receiver: 'nobody', matchers: ['alertname="Watchdog"'] },
      {
        receiver: 'chat',
        matchers: ['severity=~"warning|info"'],
        muteIn: ['nights'],
        groupWait: Duration.seconds(10),
        routes: [{ receiver: 'night', matchers: ['host="ai-node"'], onlyIn: ['nights'], continue: true }],
      },
      { receiver: 'night', matchers: ['severity="critical"', 'host!="lab"'] },
    ],
  },
  timeWindows: {
    nights: {
      weekdays: ['monday:friday'],
      times: [{ from: '22:00', to: '24:00' }],
      timeZone: 'Europe/Berlin',
    },
  },
};

const synth = (props: AlertmanagerServerProps) => devOps((host) => new AlertmanagerServer(host, 'am', props));
const refusals = (props: Partial<AlertmanagerServerProps>): string[] =>
  devOpsProblems((host) => new AlertmanagerServer(host, 'am', { ...PLAIN, ...props }));

const INHIBITS_TEXT = `templates:
  - /etc/prometheus/alertmanager-templates/citadel.tmpl
route:
  receiver: operators
  group_by:
    - alertname
    - host
  group_wait: 30s
  group_interval: 5m
  repeat_interval: 4h
inhibit_rules:
  - source_matchers:
      - severity="critical"
    target_matchers:
      - severity="warning"
    equal:
      - alertname
      - host
      - device
      - gpu
      - model
      - mountpoint
      - service
`;
const RECEIVERS_TEXT = `receivers:
  - name: operators
    webhook_configs:
      - url: http://10.0.0.1:8080/alerts
        send_resolved: true
`;

describe('AlertmanagerServer', () => {
  it('groups, waits and inhibits without being told', () => {
    const [before = '', after = ''] = textOf(synth(PLAIN), CONFIG).split(/^receivers:\n/m);
    expect(`receivers:\n${after}`).toBe(RECEIVERS_TEXT);
    expect(before.slice(0, INHIBITS_TEXT.length)).toBe(INHIBITS_TEXT);
    expect(before).toContain(
      '      - alertname="HostDown"\n    target_matchers:\n      - alertname!="HostDown"\n    equal:\n      - host\n',
    );
  });

  it('runs alone, and is reloaded for its configuration, restarted for its arguments', () => {
    const manifest = synth({ ...PLAIN, externalUrl: 'http://10.0.0.1:9093' });
    expect(textOf(manifest, '/etc/default/prometheus-alertmanager')).toContain(
      'ARGS="--web.listen-address=:9093 \\\n  --web.external-url=http://10.0.0.1:9093 \\\n  --cluster.listen-address="',
    );
    const unit = manifest.units?.['prometheus-alertmanager.service'];
    expect(unit?.reloadOn).toEqual(['/etc/prometheus/alertmanager-templates/citadel.tmpl', CONFIG]);
    expect(unit?.restartOn).toContain('/etc/default/prometheus-alertmanager');
    expect(unit?.restartOn).not.toContain(CONFIG);
    expect(manifest.files?.[CONFIG]?.validate).toBe('alertmanager-config');
  });

  it('keeps secrets in files that only the daemon reads, and none in its configuration', () => {
    const manifest = synth(FULL);
    const secrets = Object.entries(manifest.files ?? {}).filter(([path]) => path.includes('-secrets/'));
    expect(
      secrets.map(([path, file]) => [path.split('/').at(-1), file.secret, file.group, file.mode]),
    ).toEqual(
      ['hook_token', 'mail_password', 'pager_key', 'slack_url'].map((name) => [
        name,
        name,
        'prometheus',
        '0640',
      ]),
    );
    expect(textOf(manifest, CONFIG)).not.toContain('@@secret');
  });

  it('keeps what 0.25 cannot read from a file in a file that only the daemon reads', () => {
    const props = (version: '0.25' | '0.28'): AlertmanagerServerProps => ({
      ...PLAIN,
      receivers: {
        operators: [
          { kind: 'telegram', botToken: secret('bot'), chatId: 1 },
          { kind: 'discord', webhookUrl: secret('hook') },
          { kind: 'webhook', url: secret('alive'), sendResolved: false },
        ],
      },
      version,
    });
    const old = synth(props('0.25')).files ?? {};
    expect(old[CONFIG]).toMatchObject({ owner: 'root', group: 'prometheus', mode: '0640' });
    expect(old[CONFIG]?.content).toContain('@@secret:bot@@');
    const { [CONFIG]: config, ...others } = synth(props('0.28')).files ?? {};
    expect(config?.content).not.toContain('@@secret');
    expect(config?.content).toContain('send_resolved: false');
    expect(Object.values(others).flatMap((file) => file.secret ?? [])).toEqual(['alive', 'bot', 'hook']);
  });

  describe.skipIf(!hasTool('amtool'))('as Alertmanager itself reads it', () => {
    it.each([
      ['plain', PLAIN, 1],
      ['with everything', FULL, 4],
    ])('is taken: %s', (_name, props, receivers) => {
      const { status, output } = amtool(
        'check-config',
        join(moved(synth(props), '/etc/prometheus'), 'alertmanager.yml'),
      );
      expect(output).toContain(`${receivers} receivers`);
      expect(status).toBe(0);
    });

    it.each([
      ['operators', ['alertname=X']],
      ['nobody', ['alertname=Watchdog', 'severity=warning']],
      ['chat', ['severity=warning', 'host=dev-ops']],
      ['night', ['severity=info', 'host=ai-node']],
      ['night', ['severity=critical', 'host=ai-node']],
      ['operators', ['severity=critical', 'host=lab']],
    ])('leads to %s: %j', (receiver, labels) => {
      const file = join(moved(synth(FULL), '/etc/prometheus'), 'alertmanager.yml');
      const route = amtool('config', 'routes', 'test', `--config.file=${file}`, ...labels);
      // It also says that it asks the file and no server.
      expect(route.output.split('\n')[0]).toBe(receiver);
      expect(route.status).toBe(0);
    });
  });
});

const at = '[dev-ops/am]';

/** What is changed → the whole message. */
const REFUSED: readonly (readonly [string, Partial<AlertmanagerServerProps>, string])[] = [
  [
    'a receiver that no one routes to',
    { receivers: { ...PLAIN.receivers, night: [] } },
    `${at} receivers.night: no route leads to the receiver "night", so it will never be told anything. Add a route to it, or remove it.`,
  ],
  [
    'a route to no receiver',
    { route: { receiver: 'operators', routes: [{ receiver: 'night', matchers: ['a="b"'] }] } },
    `${at} route: the route for a="b" goes to "night", and there is no such receiver (there are: operators). Declare the receiver, or route to one that is declared.`,
  ],
  [
    'an unknown time window',
    {
      route: {
        receiver: 'operators',
        routes: [{ receiver: 'operators', matchers: ['a="b"'], muteIn: ['x'] }],
      },
    },
    `${at} route: the route for a="b" names the time window "x", which is not declared. Declare it in timeWindows.`,
  ],
  [
    'a root route with matchers',
    { route: { receiver: 'operators', matchers: ['severity="critical"'] } },
    `${at} route: the first route has matchers or time windows, and it must take every alert. Put them on a route below it.`,
  ],
  ...['severity', 'severity=="x"', 'a="b', '9a=b', 'a={b}'].map(
    (matcher): [string, Partial<AlertmanagerServerProps>, string] => [
      `the matcher ${matcher}`,
      { route: { receiver: 'operators', routes: [{ receiver: 'operators', matchers: [matcher] }] } },
      `${at} route: ${JSON.stringify(matcher)} is not a matcher. Write label="value", or with !=, =~ or !~ in the place of =.`,
    ],
  ),
  [
    'a bad matcher of an inhibition',
    { inhibitions: [{ source: ['x'], target: ['a="b"'], equal: [] }] },
    `${at} inhibitions: "x" is not a matcher. Write label="value", or with !=, =~ or !~ in the place of =.`,
  ],
  ...(
    [
      ['https://ann:secret@hooks.example.org/', undefined],
      ['https://hooks.slack.com/services/T0/B0/x', 'slack'],
      ['https://discord.com/api/webhooks/1/x', 'discord'],
      ['https://x.webhook.office.com/webhookb2/1', 'teams'],
      ['https://prod-1.westeurope.logic.azure.com:443/workflows/1?sig=x', 'teams'],
      ['https://hooks.example.org/?token=x', undefined],
      ['https://hooks.example.org/?a=1&api_key=x', undefined],
    ] as const
  ).map(([url, kind]): [string, Partial<AlertmanagerServerProps>, string] => [
    `a secret in clear: ${url}`,
    { receivers: { operators: [{ kind: 'webhook', url }] } },
    `${at} receivers.operators: the webhook’s address holds a password, a token or a key, which would stand in the configuration in clear. ${kind === undefined ? 'Give the token as a secret (bearerToken), or the whole address as one' : `Use the kind of receiver "${kind}", which takes the whole address as a secret`}.`,
  ]),
  [
    'a kind that the release lacks',
    { receivers: { operators: [{ kind: 'teams', webhookUrl: secret('teams_url') }] } },
    `${at} receivers.operators: Alertmanager 0.25 cannot send to "teams". Use a host with Alertmanager 0.28 or later (Debian 13 has it) and say so: version: '0.28'.`,
  ],
];

describe('AlertmanagerServer refuses', () => {
  it.each(REFUSED)('%s', (_name, props, message) => {
    expect(refusals(props)).toEqual([message]);
  });

  it('no webhook for its path alone', () => {
    const url = 'https://hooks.example.org/token/key?team=ops';
    expect(refusals({ receivers: { operators: [{ kind: 'webhook', url }] } })).toEqual([]);
  });
});
