import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { alertmanagerSchema } from '../../lib/inventory/schema/alerting.js';
import { buildHosts } from '../../stacks/app.js';
import { groupsOf, wholeInventory } from '../constructs/monitoring/alert-tree.js';
import { contentOf } from './example.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

/** An operator's own routing: by night only what is critical, everything about disks to the hardware's people as well. */
const ALERTING = alertmanagerSchema.parse({
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
});

const whole = wholeInventory();
const devOps = whole.hosts['dev-ops']!;
const routed = {
  ...whole,
  hosts: {
    ...whole.hosts,
    'dev-ops': { ...devOps, monitoring: { ...devOps.monitoring!, alertmanager: ALERTING } },
  },
};

describe.skipIf(!hasTool('amtool'))('the routes that the inventory asks for, by amtool', () => {
  const manifest = buildHosts(routed).find(({ host }) => host === 'dev-ops')!;
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

  it('leave no alert of the catalogue to nobody, and tell no person of the Watchdog', () => {
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
