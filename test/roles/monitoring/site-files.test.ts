import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkRuleFile } from '../../../lib/inventory/check-rule-file.js';
import { CitadelError } from '../../../lib/manifest/index.js';
import {
  dashboardFileProblems,
  provisioned,
  withoutVariables,
} from '../../../lib/roles/monitoring/site/dashboard-file.js';
import { readRules } from '../../../lib/roles/monitoring/site/rule-file.js';
import { monitoringSchema } from '../../../lib/roles/monitoring/schema/monitoring.js';
import { buildHosts } from '../../../stacks/app.js';
import { contentOf } from '../../stacks/example.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { wholeInventory } from './alert-tree.js';

const RULES = `groups:
  - name: shop
    interval: 1m
    rules:
      - record: shop:orders:rate5m
        expr: sum by (host) (rate(shop_orders_total[5m]))
      - alert: ShopSellsNothing
        expr: shop:orders:rate5m == 0
        for: 10m
        keep_firing_for: 5m
        labels: { severity: critical, team: shop }
        annotations: { summary: 'Nothing is sold on {{ $labels.host }}', runbook_url: https://wiki.example.org/shop }
`;
const DASHBOARD = JSON.stringify({
  id: 7,
  uid: 'shop',
  title: 'Shop',
  panels: [
    {
      title: 'Orders',
      datasource: { uid: 'prometheus' },
      targets: [{ expr: 'rate(shop_orders_total{host="$host"}[$__rate_interval])' }],
    },
  ],
});
const alert = (change: string): string =>
  `groups: [{ name: shop, rules: [{ alert: ShopDown, expr: up, labels: { severity: warning }, annotations: { summary: s }, ${change} }] }]`;
const said = (
  problems: readonly { readonly property?: string | undefined; readonly got: string }[],
): string[] => problems.map(({ property, got }) => `${property ?? ''}: ${got.split('\n')[0] ?? ''}`);

/** The example with a site's files, and someone who is told of what is critical at night only. */
function build(files: Readonly<Record<string, string>>, alertmanager: unknown = {}) {
  const whole = wholeInventory();
  const devOps = whole.hosts['dev-ops']!;
  const names = Object.keys(files);
  const own = monitoringSchema.parse({
    alertmanager,
    rules: names.filter((name) => name.endsWith('.yml')),
    dashboards: names.filter((name) => name.endsWith('.json')),
  });
  const monitoring = { ...own, grafana: devOps.monitoring!.grafana };
  return buildHosts({
    ...whole,
    texts: { ...whole.texts, ...files },
    hosts: { ...whole.hosts, 'dev-ops': { ...devOps, monitoring } },
  }).find(({ host }) => host === 'dev-ops')!;
}
function refusal(make: () => unknown): string {
  try {
    make();
  } catch (error) {
    if (error instanceof CitadelError) return error.message;
    throw error;
  }
  return '';
}

describe('a site’s own rules', () => {
  it('are nothing where there are none', () => {
    const paths = Object.keys(build({}).files ?? {});
    expect(paths.filter((path) => path.includes('/site-'))).toEqual([]);
  });

  it('stand on the host as they are written, and Prometheus is reloaded for them', () => {
    const manifest = build({ 'stacks/rules/shop.yml': RULES });
    const path = '/etc/prometheus/rules/site-shop.yml';
    expect(contentOf(manifest, path)).toBe(RULES);
    expect(manifest.files?.[path]?.validate).toBe('prometheus-rules');
    expect(manifest.units?.['prometheus.service']?.reloadOn).toContain(path);
  });

  it('are routed like ours: an alert that no one would be told of is refused', () => {
    const hook = { webhook: { url: 'https://hook.example.org/x' } };
    const alertmanager = {
      receivers: { day: [hook], shop: [hook] },
      receiver: 'day',
      routes: [{ receiver: 'shop', match: ['alertname="ShopSellsNothing"'], onlyIn: ['days'] }],
      timeWindows: { days: { weekdays: ['monday:friday'] } },
    };
    expect(refusal(() => build({ 'stacks/rules/shop.yml': RULES }, alertmanager))).toContain(
      'ShopSellsNothing (critical)',
    );
  });

  it('take no name of ours', () => {
    const text = RULES.replace('ShopSellsNothing', 'HostDown');
    expect(refusal(() => build({ 'stacks/rules/shop.yml': text }))).toContain(
      'stacks/rules/shop.yml: HostDown: an alert of citadel-iac has this name',
    );
  });

  it.each([
    ['no YAML', 'groups: [', 'r.yml: it is not YAML: '],
    [
      'a group twice',
      alert('for: 1m').replace(/\]$/, ', { name: shop, rules: [{ record: "a:b", expr: up }] }]'),
      'r.yml: group "shop": it stands twice',
    ],
    [
      'a key of Prometheus 2.53',
      'groups: [{ name: a, query_offset: 1m, rules: [{ record: "a:b", expr: up }] }]',
      'Unrecognized key: "query_offset"',
    ],
    [
      'an expression',
      alert('for: 1m').replace('expr: up', 'expr: "sum(("'),
      'groups.shop.rules[0].expr: this is not PromQL',
    ],
    [
      'a type',
      alert('for: 1m').replace('expr: up', 'expr: rate(up)'),
      'groups.shop.rules[0].expr: Prometheus would refuse this',
    ],
    [
      'a metric of ours that is none',
      alert('for: 1m').replace('expr: up', 'expr: citadel_model_upp'),
      'there is no metric "citadel_model_upp"',
    ],
    [
      'a name that vLLM gave up',
      alert('for: 1m').replace('expr: up', 'expr: "vllm:gpu_cache_usage_perc"'),
      'there is no metric "vllm:gpu_cache_usage_perc"',
    ],
    [
      'no severity',
      alert('for: 1m').replace('severity: warning', 'team: a'),
      'labels.severity: is not one of critical, warning, info, none',
    ],
    ['no labels', alert('for: 1m').replace(/labels: \{[^}]*\}, /, ''), 'labels.severity: is not one of'],
    ['no summary', alert('for: 1m').replace('summary: s', 'text: s'), 'annotations.summary: is missing'],
    ['a duration', alert('for: 5 minutes'), 'for: is not a duration of Prometheus'],
  ])('are refused for %s', (_name, text, message) => {
    const problems = said(readRules('r.yml', text).problems);
    expect(problems.join('\n')).toContain(message);
  });

  it.skipIf(!hasTool('promtool'))('are read by promtool where there is one', () => {
    const root = scratch();
    writeTree(root, { 'good.yml': RULES, 'bad.yml': alert('for: 1m').replace('expr: up', 'expr: nope(up)') });
    expect(checkRuleFile(join(root, 'good.yml'), 'good.yml')).toEqual([]);
    expect(readRules('good.yml', RULES)).toMatchObject({ groups: ['shop'], problems: [] });
    const [problem] = checkRuleFile(join(root, 'bad.yml'), 'rules/bad.yml');
    expect(problem).toMatchObject({ code: 'inventory.rules', path: 'rules/bad.yml' });
    expect(problem?.got).toContain('unknown function with name "nope"');
  });
});

describe('a site’s own dashboards', () => {
  it('are provisioned next to ours, without the number of the Grafana that they come from', () => {
    const manifest = build({ 'stacks/dashboards/shop.json': DASHBOARD });
    const text = contentOf(manifest, '/etc/grafana/dashboards/site-shop.json');
    expect(JSON.parse(text)).toEqual({ ...(JSON.parse(DASHBOARD) as object), id: null });
  });

  it('need a uid that no other has', () => {
    const taken = DASHBOARD.replace('"uid":"shop"', '"uid":"citadel-hosts"');
    expect(refusal(() => build({ 'stacks/dashboards/shop.json': taken }))).toContain('"citadel-hosts"');
  });

  it.each([
    ['no JSON', '{', 'd.json: it is not a JSON object'],
    ['no title', DASHBOARD.replace('"Shop"', '""'), 'd.json: title: it is missing'],
    [
      'an export for sharing',
      DASHBOARD.replace('"id":7', '"__inputs":[{}]'),
      'd.json: __inputs: it was exported for sharing',
    ],
    [
      'a data source that is none',
      DASHBOARD.replace('"prometheus"', '"P1809F7CD0C75ACF3"'),
      'd.json: panel "Orders": there is no data source "P1809F7CD0C75ACF3"',
    ],
    ['a query', DASHBOARD.replace('rate(shop', 'rate((shop'), 'd.json: panel "Orders": this is not PromQL'],
  ])('are refused for %s', (_name, text, message) => {
    expect(said(dashboardFileProblems('d.json', text)).join('\n')).toContain(message);
  });

  it('have variables, of which only Grafana’s own have a value here', () => {
    expect(withoutVariables('rate(a{b="$c"}[${__rate_interval}]) > $__range_s')).toBe(
      'rate(a{b="$c"}[5m]) > 300',
    );
    expect(withoutVariables('topk($n, a)')).toBeUndefined();
    expect(provisioned('no dashboard')).toBe('no dashboard');
  });
});
