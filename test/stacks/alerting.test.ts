import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { alertmanagerSchema } from '../../lib/roles/monitoring/schema/alerting.js';
import { buildHosts } from '../../stacks/app.js';
import { groupsOf, wholeInventory } from '../roles/monitoring/alert-tree.js';
import { contentOf } from './example.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

/** An operator's own routing: by night only what is critical, everything about disks to the hardware's people as well. */
const ALERTING: z.input<typeof alertmanagerSchema> = {
  receivers: {
    chat: [{ webhook: { url: 'http://192.0.2.1/chat' } }],
    pager: [{ webhook: { url: 'http://192.0.2.1/pager' } }],
    hardware: [{ email: { to: 'h@example.org', from: 'a@example.org', smarthost: 'mail.example.org:587' } }],
  },
  receiver: 'chat',
  routes: [
    { match: ['alertname=~"Disk.+|Filesystem.+"'], receiver: 'hardware', continue: true },
    { match: ['severity="critical"'], receiver: 'pager', continue: true },
    { match: ['severity=~".*"'], receiver: 'chat', muteIn: ['nights'] },
  ],
  timeWindows: { nights: { times: [{ from: '22:00', to: '24:00' }] } },
  deadMansSwitch: { url: 'https://alive.example.org/ping' },
};

const whole = wholeInventory();
const devOps = whole.hosts['dev-ops']!;
const withAlerting = (alerting: z.input<typeof alertmanagerSchema>) => ({
  ...whole,
  hosts: {
    ...whole.hosts,
    'dev-ops': {
      ...devOps,
      monitoring: { ...devOps.monitoring!, alertmanager: alertmanagerSchema.parse(alerting) },
    },
  },
});
const routed = withAlerting(ALERTING);

/** As before, with one who is told and nothing else said. */
const usual = withAlerting({ receivers: { people: [{ webhook: { url: 'http://192.0.2.1/chat' } }] } });
const manifestOf = (inventory: typeof whole) => buildHosts(inventory).find(({ host }) => host === 'dev-ops')!;

it('takes the Alertmanager that the release of the host has, and refuses what that cannot send', () => {
  const teams = withAlerting({ receivers: { people: [{ teams: { webhookUrl: 'teams_url' } }] } });
  const on = (os?: 'debian-12' | 'debian-13'): typeof whole => {
    const server = teams.hosts['dev-ops'];
    return { ...teams, hosts: { ...teams.hosts, 'dev-ops': { ...server, ...(os && { os }) } } };
  };
  expect(contentOf(manifestOf(on('debian-13')), '/etc/prometheus/alertmanager.yml')).toContain('msteamsv2');
  for (const os of [undefined, 'debian-12'] as const) {
    expect(() => manifestOf(on(os))).toThrow('Alertmanager 0.25 cannot send to "teams"');
  }
});

describe('the routes of someone who gives none', () => {
  const config = contentOf(manifestOf(usual), '/etc/prometheus/alertmanager.yml');

  it('tell of critical alerts at once, of warnings in working hours, of the rest no one', () => {
    expect(config.slice(config.indexOf('  routes:'), config.indexOf('inhibit_rules:'))).toBe(`  routes:
    - receiver: dead-mans-switch
      matchers:
        - alertname="Watchdog"
      group_wait: 0s
      group_interval: 1m
      repeat_interval: 1m
    - receiver: people
      matchers:
        - severity="critical"
      repeat_interval: 4h
    - receiver: people
      matchers:
        - severity="warning"
        - told="once"
      repeat_interval: 4d
      mute_time_intervals:
        - usual nights
        - usual weekends
    - receiver: people
      matchers:
        - severity="warning"
      repeat_interval: 1d
      mute_time_intervals:
        - usual nights
        - usual weekends
    - receiver: no one
      matchers:
        - severity=~"info|none"
`);
  });

  it('know the hours that the inventory says', () => {
    const manifest = manifestOf(
      withAlerting({
        webhook: 'http://192.0.2.1/chat',
        workingHours: { from: '00:00', to: '17:30', timeZone: 'Europe/Berlin' },
      }),
    );
    const text = contentOf(manifest, '/etc/prometheus/alertmanager.yml');
    expect(text.slice(text.indexOf('time_intervals:\n  - name'), text.indexOf('\nreceivers:')))
      .toBe(`time_intervals:
  - name: usual nights
    time_intervals:
      - weekdays:
          - monday:friday
        times:
          - start_time: "17:30"
            end_time: "24:00"
        location: Europe/Berlin
  - name: usual weekends
    time_intervals:
      - weekdays:
          - saturday
          - sunday
        location: Europe/Berlin`);
  });

  it('leave a receiver and a window of the inventory alone, whatever they are called', () => {
    const text = contentOf(
      manifestOf(
        withAlerting({
          receivers: { nobody: [{ webhook: { url: 'http://192.0.2.1/nobody' } }] },
          timeWindows: { nights: { times: [{ from: '01:00', to: '02:00' }] } },
        }),
      ),
      '/etc/prometheus/alertmanager.yml',
    );
    expect(text).toContain('  - name: nobody\n    webhook_configs:\n      - url: http://192.0.2.1/nobody\n');
    expect(text).toContain('    - receiver: no one\n      matchers:\n        - severity=~"info|none"\n');
    expect(text).toContain('start_time: "18:00"');
  });

  it('do not tell the dead man’s switch of an end, and hide its address', () => {
    const text = contentOf(
      manifestOf(withAlerting({ deadMansSwitch: { urlSecret: 'alive_url' }, version: '0.28' })),
      '/etc/prometheus/alertmanager.yml',
    );
    expect(text).toContain(`  - name: dead-mans-switch
    webhook_configs:
      - url_file: /etc/prometheus/alertmanager-secrets/alive_url
        send_resolved: false
`);
  });
});

describe.skipIf(!hasTool('amtool'))('the routes that the inventory asks for, by amtool', () => {
  const manifest = manifestOf(routed);
  const receivers = (file: string, labels: Readonly<Record<string, string>>): string => {
    const words = Object.entries(labels).map(([name, value]) => `${name}=${value}`);
    const { status, output } = tool('amtool', [
      'config',
      'routes',
      'test',
      `--config.file=${file}`,
      ...words,
    ]);
    expect(status, output).toBe(0);
    return output.split('\n')[0] ?? '';
  };

  it('leave no alert of the catalogue to no one, and tell no person of the Watchdog', () => {
    const root = scratch();
    const file = join(root, 'alertmanager.yml');
    writeTree(root, { 'alertmanager.yml': contentOf(manifest, '/etc/prometheus/alertmanager.yml') });
    const told = new Map(
      groupsOf(routed)
        .flatMap((group) => group.alerts)
        .map(({ alert, labels }) => [
          `${alert} ${labels['severity'] ?? ''}`,
          { alertname: alert, severity: labels['severity'] ?? '', host: 'ai-node' },
        ]),
    );
    const wrong = [...told].flatMap(([name, labels]) => {
      const hardware = /^(?:Disk|Filesystem)/.test(name) ? 'hardware,' : '';
      const usual = labels.severity === 'critical' ? 'pager,chat' : 'chat';
      const wanted = labels.alertname === 'Watchdog' ? 'dead-mans-switch' : hardware + usual;
      const got = receivers(file, labels);
      return got === wanted ? [] : [`${name}: ${got} in the place of ${wanted}`];
    });
    expect(told.size).toBeGreaterThan(60);
    expect(wrong).toEqual([]);
    expect(receivers(file, { alertname: 'SomethingNew' })).toBe('chat');
  }, 120_000);
});
