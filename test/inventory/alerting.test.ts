import { describe, expect, it } from 'vitest';
import { parseInventory } from '../support/site.js';
import { CitadelError } from '../../lib/manifest/index.js';

/** A monitoring server with these lines below `monitoring`, each of which stands two levels in. */
const text = (
  lines: string,
  secrets = 'mail: { env: MAIL }',
): string => `operator: { addresses: [10.0.0.0/8] }
secrets: { ${secrets} }
hosts:
  dev-ops:
    address: 10.0.0.1
    monitoring:
      ${lines}
`;

function problemsOf(lines: string): string {
  try {
    parseInventory(text(lines), 'citadel.yaml');
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return 'no problem';
}

const at = 'hosts.dev-ops.monitoring';

/** One case per rule: what is written → the whole message. */
const REFUSED: readonly (readonly [name: string, lines: string, message: string])[] = [
  [
    'a receiver told in two ways at once',
    'alertmanager: { receivers: { a: [{ webhook: { url: "http://x" }, slack: { apiUrl: mail, channel: c } }] } }',
    'is not exactly one of webhook, email, slack, pagerduty, teams, telegram, discord',
  ],
  [
    'a secret that has no source',
    'grafana: { adminPassword: mial, package: /srv/g.deb }',
    `[citadel.yaml:7:33] ${at}.grafana.adminPassword: no secret is called "mial". Did you mean "mail"?`,
  ],
  [
    'a token that has no source, in a list',
    'alertmanager: { receivers: { a: [{ webhook: { url: "http://x", bearerToken: token } }] } }',
    `${at}.alertmanager.receivers.a[0].webhook.bearerToken: no secret is called "token". Say under "secrets" where its value is found.`,
  ],
  [
    'operators in two ways',
    'alertmanager: { webhook: "http://x", receivers: { operators: [{ webhook: { url: "http://y" } }] } }',
    `[citadel.yaml:7:23] ${at}.alertmanager.webhook: is short for a receiver "operators", and there is one under "receivers" as well. Keep one of the two.`,
  ],
  [
    'a receiver by the name of ours',
    'alertmanager: { receivers: { dead-mans-switch: [{ webhook: { url: "http://y" } }] } }',
    `[citadel.yaml:7:36] ${at}.alertmanager.receivers.dead-mans-switch: is the receiver of the alert that always fires, which "deadMansSwitch" makes. Give it another name`,
  ],
  [
    'a bot that has no source',
    'alertmanager: { receivers: { a: [{ telegram: { botToken: bot, chatId: 1 } }] } }',
    `${at}.alertmanager.receivers.a[0].telegram.botToken: no secret is called "bot".`,
  ],
  [
    'a sign of life without an address',
    'alertmanager: { deadMansSwitch: { bearerToken: mail } }',
    'needs exactly one of "url" and "urlSecret"',
  ],
  ['a webhook that is no web address', 'alertmanager: { webhook: "ftp://x" }', `${at}.alertmanager.webhook`],
  [
    'a receiver without a notification',
    'alertmanager: { receivers: { a: [] } }',
    `${at}.alertmanager.receivers.a`,
  ],
  [
    'a time that is none',
    'alertmanager: { timeWindows: { n: { times: [{ from: "25:00", to: "24:00" }] } } }',
    'is not a time such as 08:00',
  ],
  [
    'a day that is none',
    'alertmanager: { timeWindows: { n: { weekdays: [Mon-Fri] } } }',
    'is not a day or days such as monday:friday',
  ],
  [
    'a mail server without a port',
    'alertmanager: { receivers: { a: [{ email: { to: a, from: b, smarthost: mail } }] } }',
    'is not host:port',
  ],
  [
    'a Grafana from nowhere',
    'grafana: { adminPassword: mail }',
    'needs exactly one of "package" and "repository"',
  ],
  [
    'a Grafana from two places',
    'grafana: { adminPassword: mail, package: /g.deb, repository: { key: k } }',
    'needs exactly one of "package" and "repository"',
  ],
  [
    'a repository without encryption',
    'grafana: { adminPassword: mail, repository: { key: k, url: "http://x" } }',
    `${at}.grafana.repository.url`,
  ],
];

describe('alerting and Grafana in an inventory', () => {
  it.each(REFUSED)('refuses %s', (_name, lines, message) => {
    expect(problemsOf(lines)).toContain(message);
  });

  it('takes all kinds of receivers, routes and windows', () => {
    expect(
      problemsOf(`alertmanager:
        receivers:
          operators: [{ webhook: { url: "http://10.0.0.1/", bearerToken: mail } }, { pagerduty: { routingKey: mail } }]
          teams: [{ teams: { webhookUrl: mail } }, { discord: { webhookUrl: mail } }]
          bot: [{ telegram: { botToken: mail, chatId: -1, apiUrl: "http://10.0.0.1:8081" } }]
          chat: [{ slack: { apiUrl: mail, channel: "#x" } }]
          mail: [{ email: { to: a@b, from: c@d, smarthost: "m:25", username: u, password: mail } }]
        routes:
          - { match: ['severity="warning"'], receiver: chat, muteIn: [night], groupWaitSec: 5 }
          - { match: ['severity="info"'], receiver: mail, continue: true }
        timeWindows: { night: { weekdays: ["monday:friday"], times: [{ from: "22:00", to: "24:00" }] } }
        deadMansSwitch: { urlSecret: mail }
        version: '0.28'
      grafana: { adminPassword: mail, package: /srv/g.deb }`),
    ).toBe('no problem');
  });
});
