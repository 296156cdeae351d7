import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AlertmanagerServer, type Notification } from '../../../../lib/roles/monitoring/index.js';
import { secret } from '../../../../lib/constructs/secret.js';
import { Duration } from '../../../../lib/constructs/units.js';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { describeDebian, freePort, until } from '../../../support/debian-programs.js';
import { readMail, recordHttp, recordMail, type Recorder } from '../../../support/recording-receiver.js';
import { writeTree } from '../../../stacks/scratch.js';
import { devOps } from '../daemon-files.js';

const ALERT = {
  labels: {
    alertname: 'ModelDown',
    severity: 'critical',
    host: 'ai-node',
    model: 'mixtral <7b> & co',
    job: 'vllm',
  },
  annotations: {
    summary: 'mixtral on ai-node does not answer',
    description: 'No one gets an answer from this model <for> 10 minutes.',
    action: 'On ai-node: citadel health (shows which models answer)',
    runbook_url: 'https://wiki.example.org/runbook#modeldown',
  },
  generatorURL: 'http://192.168.10.36:9090/graph?g0.expr=up%7Bjob%3D%22vllm%22%7D+%3D%3D+0&g0.tab=1',
};
const SINCE = new Date(Date.now() - 600_000).toISOString();
const MODEL = ALERT.labels.model;
const DESCRIPTION = ALERT.annotations.description;
const RUNBOOK = ALERT.annotations.runbook_url;
const GRAPH = ALERT.generatorURL;
const TITLE = '[critical] ModelDown: mixtral on ai-node does not answer';
// Alertmanager's page for a new silence, filled in with the alert's labels.
const MATCHERS = `{alertname="ModelDown",host="ai-node",job="vllm",model="${MODEL}",severity="critical"}`;
const SILENCE = `http://192.168.10.36:9093/#/silences/new?filter=${encodeURIComponent(MATCHERS)}`;
const PLAIN = `mixtral on ai-node does not answer
${DESCRIPTION}
Host: ai-node
Model: ${MODEL}
Do first: ${ALERT.annotations.action}
Runbook: ${RUNBOOK}
Graph: ${GRAPH}
Silence: ${SILENCE}`;
const MARKDOWN = `${DESCRIPTION}

**Host:** ai-node **Model:** ${MODEL}

**Do first:** ${ALERT.annotations.action}

[Runbook](${RUNBOOK}) · [Graph](${GRAPH}) · [Silence](${SILENCE})`;

describeDebian('what reaches a person', ['prometheus-alertmanager', 'amtool'], (debian) => {
  let http: Recorder;
  let mail: Recorder;
  let folder = '';
  let url = '';

  beforeAll(async () => {
    [http, mail] = [await recordHttp(), await recordMail()];
    const at = (path: string): string => `http://127.0.0.1:${http.port}/${path}`;
    const secrets: Readonly<Record<string, string>> = {
      hook: at('webhook'),
      slack: at('slack'),
      discord: at('discord'),
      teams: at('teams'),
      pager: 'key-of-32-letters',
      bot: '123:ABC',
    };
    const everyone: Notification[] = [
      { kind: 'webhook', url: secret('hook') },
      { kind: 'slack', apiUrl: secret('slack'), channel: '#alerts' },
      { kind: 'pagerduty', routingKey: secret('pager'), url: at('pagerduty') },
      { kind: 'telegram', botToken: secret('bot'), chatId: -100, apiUrl: at('telegram') },
      { kind: 'discord', webhookUrl: secret('discord') },
      {
        kind: 'email',
        to: 'ops@example.org',
        from: 'alerts@example.org',
        smarthost: `127.0.0.1:${mail.port}`,
        requireTls: false,
      },
      ...(debian.alertmanager === '0.25' ? [] : [{ kind: 'teams' as const, webhookUrl: secret('teams') }]),
    ];
    const manifest = devOps(
      (host) =>
        new AlertmanagerServer(host, 'am', {
          reach: 'loopback',
          receivers: { operators: everyone },
          route: {
            receiver: 'operators',
            groupWait: Duration.seconds(0),
            groupInterval: Duration.seconds(1),
          },
          version: debian.alertmanager,
        }),
    );
    folder = mkdtempSync(join(tmpdir(), 'citadel-messages-'));
    const files = Object.entries(manifest.files ?? {}).filter(([path]) =>
      path.startsWith('/etc/prometheus/'),
    );
    writeTree(
      folder,
      Object.fromEntries(
        files.map(([path, file]) => [
          path,
          file.secret === undefined
            ? (file.content ?? '')
                .replaceAll('/etc/prometheus/', `${folder}/etc/prometheus/`)
                .replaceAll(/@@secret:(\w+)@@/g, (_whole, name: string) => secrets[name] ?? '')
            : (secrets[file.secret] ?? ''),
        ]),
      ),
    );
    url = `http://127.0.0.1:${await freePort()}`;
    const config = join(folder, 'etc/prometheus/alertmanager.yml');
    expect(debian.run('amtool', ['check-config', config])).toMatchObject({ status: 0 });
    debian.start('prometheus-alertmanager', [
      `--config.file=${config}`,
      `--storage.path=${folder}/data`,
      `--web.listen-address=${url.slice('http://'.length)}`,
      '--web.external-url=http://192.168.10.36:9093',
      '--web.route-prefix=/',
      '--cluster.listen-address=',
      '--log.level=error',
    ]);
    await until('Alertmanager answers', async () => ((await get(`${url}/-/ready`)) ? true : undefined));
    await send(url, [ALERT]);
    const kinds = debian.alertmanager === '0.25' ? 5 : 6;
    await until('all kinds have their message', () =>
      http.messages.length >= kinds && mail.messages.length >= 1 ? true : undefined,
    );
  });
  afterAll(async () => {
    await Promise.all([http.close(), mail.close()]);
    rmSync(folder, { recursive: true, force: true });
  });

  const jsonOf = (path: string): Record<string, unknown> =>
    JSON.parse(http.messages.find((message) => message.path.startsWith(path))?.body ?? 'null') as Record<
      string,
      unknown
    >;

  it('Slack: title, text and links, and a colour by severity', () => {
    const [message] = jsonOf('/slack')['attachments'] as Record<string, string>[];
    expect(message).toMatchObject({
      title: TITLE,
      title_link: RUNBOOK,
      fallback: TITLE,
      color: 'danger',
      text: `No one gets an answer from this model &lt;for&gt; 10 minutes.
*Host:* ai-node  *Model:* mixtral &lt;7b&gt; &amp; co
*Do first:* On ai-node: citadel health (shows which models answer)
<${RUNBOOK}|Runbook> · <${GRAPH}|Graph> · <${SILENCE}|Silence>
`,
    });
  });

  it('PagerDuty: severity of the alert, its texts, and links', () => {
    const event = jsonOf('/pagerduty');
    const payload = event['payload'] as Record<string, unknown>;
    expect(payload).toMatchObject({
      summary: TITLE,
      severity: 'critical',
      class: 'ModelDown',
      component: 'ai-node',
      group: MODEL,
    });
    expect((payload['custom_details'] as Record<string, string>)['firing']?.trim()).toBe(PLAIN);
    expect(event['links']).toEqual([
      { href: RUNBOOK, text: 'Runbook' },
      { href: GRAPH, text: 'Graph' },
      { href: SILENCE, text: 'Silence' },
    ]);
  });

  it('Telegram: the same, as the HTML that it takes', () => {
    const { text, chat_id, parse_mode } = jsonOf('/telegram/bot123:ABC/sendMessage');
    expect({ chat_id, parse_mode }).toEqual({ chat_id: '-100', parse_mode: 'HTML' });
    const { shown, links } = readHtml(String(text));
    expect(shown).toBe(`${TITLE}
${DESCRIPTION}
Host: ai-node Model: ${MODEL}
Do first: ${ALERT.annotations.action}
Runbook · Graph · Silence`);
    expect(links).toEqual([RUNBOOK, GRAPH, SILENCE]);
  });

  it('Discord: the same, in Markdown', () => {
    const [embed] = jsonOf('/discord')['embeds'] as Record<string, string>[];
    expect(embed).toMatchObject({ title: TITLE });
    expect(embed?.['description']?.trim()).toBe(MARKDOWN);
  });

  it.skipIf(debian.alertmanager === '0.25')('Teams: the same, in a card', () => {
    const [card] = jsonOf('/teams')['attachments'] as { content: { body: { text: string }[] } }[];
    expect(card?.content.body.map(({ text }) => text.trim())).toEqual([TITLE, MARKDOWN]);
  });

  it('mail: subject, text and HTML', () => {
    const { subject, parts } = readMail(mail.messages[0]?.body ?? '');
    expect(subject).toBe(TITLE);
    expect(parts['text/plain']?.trim()).toBe(PLAIN);
    const { shown, links } = readHtml(parts['text/html'] ?? '');
    for (const each of [ALERT.annotations.summary, DESCRIPTION, MODEL, 'ai-node', ALERT.annotations.action])
      expect(shown).toContain(each);
    expect(links).toEqual([RUNBOOK, GRAPH, SILENCE]);
  });

  it('a program: everything, as data', () => {
    expect(jsonOf('/webhook')).toMatchObject({
      status: 'firing',
      externalURL: 'http://192.168.10.36:9093',
      alerts: [{ ...ALERT, status: 'firing' }],
    });
  });

  it('several alerts: each by its name, and nothing to do about what is over', async () => {
    const before = http.messages.length;
    const second = {
      ...ALERT,
      labels: { ...ALERT.labels, severity: 'warning', model: 'phi3' },
      annotations: {
        ...ALERT.annotations,
        summary: 'phi3 on ai-node does not answer',
        runbook_url: 'docs/x.md',
      },
    };
    await send(url, [ALERT, second]);
    const slack = () => http.messages.slice(before).filter(({ path }) => path === '/slack');
    const both = await until('Slack is told of both', () =>
      slack().find(({ body }) => body.includes('phi3')),
    );
    const [message] = (JSON.parse(both.body) as { attachments: Record<string, string>[] }).attachments;
    expect(message?.['title']).toBe(
      '[critical] ModelDown on ai-node (2): mixtral on ai-node does not answer; phi3 on ai-node does not answer',
    );
    expect(message?.['text']).toContain('*phi3 on ai-node does not answer*');
    // A path is no link.
    expect(message?.['text']).toContain('Runbook: docs/x.md · ');
    const ended = { endsAt: new Date(Date.now() - 1000).toISOString() };
    await send(url, [
      { ...ALERT, ...ended },
      { ...second, ...ended },
    ]);
    const over = await until('Slack is told of the end', () =>
      slack().find(({ body }) => body.includes('[resolved]')),
    );
    expect(over.body).toContain('"color":"good"');
    expect(over.body).not.toContain('Do first');
  });
});

/** What a program that shows HTML shows, and where its links lead. */
function readHtml(html: string): { shown: string; links: string[] } {
  const plain = (text: string): string =>
    text
      .replaceAll(/&#(\d+);/g, (_whole, code: string) => String.fromCharCode(Number(code)))
      .replaceAll('&lt;', '<')
      .replaceAll('&gt;', '>')
      .replaceAll('&amp;', '&');
  return {
    shown: plain(html.replaceAll(/<[^>]*>/g, '')).trim(),
    links: [...html.matchAll(/href="([^"]*)"/g)].map(([, link = '']) =>
      plain(link).replaceAll(/%[0-9a-f]{2}/g, (code) => code.toUpperCase()),
    ),
  };
}

async function get(address: string): Promise<boolean> {
  try {
    return (await fetch(address)).ok;
  } catch {
    return false;
  }
}

async function send(address: string, alerts: readonly object[]): Promise<void> {
  const answer = await fetch(`${address}/api/v2/alerts`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(alerts.map((alert) => ({ startsAt: SINCE, ...alert }))),
  });
  expect(answer.status, await answer.text()).toBe(200);
}
