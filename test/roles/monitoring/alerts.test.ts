import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { FIRST_TOKEN_BOUNDS } from '../../../lib/constructs/monitoring/metrics/index.js';
import { groupTests, isFiring } from '../../../lib/constructs/monitoring/rules/index.js';
import { buildHosts } from '../../../stacks/app.js';
import type { FleetInventory } from '../../../lib/site/fleet.js';
import { contentOf, inventoryOf } from '../../stacks/example.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';
import { groupsOf, wholeInventory } from './alert-tree.js';
import { testRules } from './promtool.js';
import { scrapedBy } from '../../support/scraped.js';

const production = inventoryOf('citadel');
const whole = wholeInventory();
const groups = groupsOf(whole);
const alerts = groups.flatMap((group) => group.alerts);

/** Production with the models of the AI node changed. */
function withModels(change: (models: Record<string, unknown>) => Record<string, unknown>): FleetInventory {
  const node = production.hosts['ai-node'];
  if (node?.ai === undefined) throw new Error('the example has lost its AI node');
  const models = change(node.ai.models) as typeof node.ai.models;
  return {
    ...production,
    hosts: { ...production.hosts, 'ai-node': { ...node, ai: { ...node.ai, models } } },
  };
}

const rulesOf = (inventory: FleetInventory) =>
  groupsOf(inventory)
    .map((group) => group.text)
    .join('\n');

describe('the alerts of the example', () => {
  it('are many, and each fires in a test and is silent in another', () => {
    expect(new Set(alerts.map(({ alert }) => alert)).size).toBeGreaterThanOrEqual(60);
    const untested = alerts.filter(({ props: { tests } }) => !tests.some(isFiring) || tests.every(isFiring));
    expect(untested.map(({ alert }) => alert)).toEqual([]);
  });

  it('stand in the rule files of the monitoring server, which are checked there', () => {
    const devOps = buildHosts(whole).find(({ host }) => host === 'dev-ops');
    for (const group of groups) {
      expect(devOps?.files?.[group.path]).toMatchObject({
        content: group.text,
        validate: 'prometheus-rules',
      });
      expect(devOps?.units?.['prometheus.service']?.reloadOn).toContain(group.path);
    }
  });

  it('follow the inventory: a model that is renamed or gone takes its alerts with it, and nothing else', () => {
    const gone = rulesOf(withModels(({ phi3: _phi3, ...rest }) => rest));
    expect(rulesOf(production)).toContain('model="phi3"');
    expect(gone).not.toContain('phi3');
    const renamed = rulesOf(withModels(({ phi3, ...rest }) => ({ ...rest, 'phi3-mini': phi3 })));
    expect(renamed).toContain('model="phi3-mini"');
    expect(renamed).not.toContain('model="phi3"');
    const others = (text: string) => text.split('\n').filter((line) => !/phi3|model=~/.test(line));
    expect(others(renamed)).toEqual(others(rulesOf(production)));
  });

  it('miss every job on every host that Prometheus asks: another host’s does not hide that one is gone', () => {
    const devOps = buildHosts(whole).find(({ host }) => host === 'dev-ops')!;
    const asked = Object.entries(scrapedBy(devOps)).flatMap(([job, groups]) =>
      groups.map(({ labels }) => `${labels['host'] ?? ''} ${job}`),
    );
    const expected = groupsOf(whole)
      .flatMap((group) => group.records)
      .filter(({ props }) => props.record === 'job:targets:expected')
      .map(({ labels }) => `${labels['host']} ${labels['job']}`);
    expect(expected.sort()).toEqual([...new Set(asked)].sort());
    expect(new Set(asked).size).toBe(11);
  });

  it('are silenced by a critical one about the same thing only, not by one about its neighbour', () => {
    const devOps = buildHosts(whole).find(({ host }) => host === 'dev-ops')!;
    const { inhibit_rules } = parse(contentOf(devOps, '/etc/prometheus/alertmanager.yml')) as {
      readonly inhibit_rules: readonly { readonly equal: readonly string[] }[];
    };
    const [{ equal } = { equal: [] }] = inhibit_rules;
    const twice = alerts.filter(({ alert, labels: { severity } }) =>
      alerts.some((other) => other.alert === alert && other.labels['severity'] !== severity),
    );
    // Of one host's targets the job tells nothing, and a mount point has one type.
    const told = twice.flatMap(({ props: { tests } }) =>
      tests.filter(isFiring).flatMap(({ fires }) => fires.flatMap(({ labels }) => Object.keys(labels))),
    );
    const things = [...new Set(told)].filter((name) => !['fstype', 'instance', 'job'].includes(name)).sort();
    expect(things).toEqual(['device', 'gpu', 'host', 'model', 'mountpoint', 'service']);
    expect(equal).toEqual(expect.arrayContaining(['alertname', ...things]));
  });

  it('take their levels from the thresholds', () => {
    const thresholds = { ...production.thresholds, diskPercent: { warning: 71, critical: 92 } };
    const text = rulesOf({ ...production, thresholds });
    expect(text).toContain('> 71');
    expect(text).toContain('> 92');
    expect(
      contentOf(
        buildHosts({ ...production, thresholds }).find(({ host }) => host === 'dev-ops')!,
        '/etc/prometheus/rules/disks.yml',
      ),
    ).toContain('> 71');
  });

  it('watch certificates as soon as something is asked over TLS, and Prometheus asks it', () => {
    const devOps = (inventory: FleetInventory) =>
      buildHosts(inventory).find(({ host }) => host === 'dev-ops')!;
    const certificates = '/etc/prometheus/rules/certificates.yml';
    expect(contentOf(devOps(whole), certificates).match(/alert: CertificateExpiring/g)).toHaveLength(2);
    const targets = Object.entries(devOps(whole).files ?? {}).filter(([path]) =>
      path.startsWith('/etc/prometheus/targets/'),
    );
    expect(targets.map(([, { content }]) => content).join('')).toContain(
      '- https://chat.example.org/healthz\n',
    );
    expect(devOps(production).files).not.toHaveProperty([certificates]);
  });

  it('are critical where their runbook says to wake, and nowhere else', () => {
    // One text for both severities names each: "Critical: wake ... Warning: wait for the morning."
    const advice = (severity: string | undefined, text: string): string => {
      const parts = new Map(
        [...text.matchAll(/(Critical|Warning): (.*?\.)(?= |$)/g)].map(([, who = '', what = '']) => [
          who.toLowerCase(),
          what,
        ]),
      );
      return parts.size === 0 ? text : (parts.get(severity ?? '') ?? '');
    };
    const said = alerts.map(({ alert, labels: { severity }, props: { runbook } }) => ({
      alert,
      severity,
      wakes: /^wake /i.test(advice(severity, runbook.escalate)),
      waits: /^(wait for|tell .* in) the morning/i.test(advice(severity, runbook.escalate)),
    }));
    expect(said.filter(({ severity, wakes }) => severity === 'critical' && !wakes)).toEqual([]);
    expect(
      said.filter(({ severity, waits }) => ['warning', 'info'].includes(severity ?? '') && !waits),
    ).toEqual([]);
    expect(said.filter(({ severity }) => severity === 'critical').length).toBeGreaterThan(20);
  });

  it('know the node’s own probes at every bound that an objective can stand at', () => {
    const program = readFileSync(
      'templates/ai-node/opt/citadel/lib/citadel_node/exporter/collectors.py',
      'utf8',
    );
    const [, bounds = ''] = /^FIRST_TOKEN_BOUNDS = \((.*)\)$/m.exec(program) ?? [];
    expect([...bounds.matchAll(/"([\d.]+)"/g)].map(([, bound]) => bound)).toEqual([
      ...FIRST_TOKEN_BOUNDS.values(),
    ]);
  });

  it('point to the page that the inventory names', () => {
    for (const { alert } of alerts) {
      expect(alerts.find((rule) => rule.alert === alert)?.annotations('docs/runbook.md')['runbook_url']).toBe(
        `docs/runbook.md#${alert.toLowerCase()}`,
      );
    }
  });
});

/** Skipped where promtool is missing: only it knows what Prometheus makes of a rule. */
describe.skipIf(!hasTool('promtool'))('the alerts, by promtool', () => {
  it.each(['citadel', 'lab'])('pass every lint (%s.yaml)', (name) => {
    const root = scratch();
    const files = Object.fromEntries(
      groupsOf(inventoryOf(name)).map((group) => [`${group.name}.yml`, group.text]),
    );
    writeTree(root, files);
    const paths = Object.keys(files).map((file) => join(root, file));
    const { status, output } = tool('promtool', ['check', 'rules', '--lint=all', '--lint-fatal', ...paths]);
    expect(output.match(/SUCCESS/g)).toHaveLength(paths.length);
    expect(status, output).toBe(0);
  });

  it('do what their tests say', async () => {
    const root = scratch();
    const tests = groups.flatMap((group) => Object.entries(groupTests(group)));
    writeTree(
      root,
      Object.fromEntries(
        tests.flatMap(([name, { rules, tests: text }]) => [
          [`${name}.yml`, rules],
          [`${name}.test.yml`, text],
        ]),
      ),
    );
    const results = await testRules(
      root,
      tests.map(([name]) => `${name}.test.yml`),
    );
    expect(results.size).toBe(tests.length);
    expect([...results].filter(([, passed]) => !passed).map(([file]) => file)).toEqual([]);
  }, 300_000);
});
