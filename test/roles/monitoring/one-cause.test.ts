import { describe, expect, it } from 'vitest';
import { inhibitions } from '../../../lib/roles/monitoring/alertmanager/inhibitions.js';
import { parseMatcher } from '../../../lib/roles/monitoring/alertmanager/matcher.js';
import { renderYaml } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool } from '../../stacks/tools.js';
import { testRules } from './promtool.js';
import { NODE, alerts, groups, merged, models, series, tokens, well, type Labels } from './world.js';

/** `alertname="x"`, and whether it holds, as Alertmanager reads it: expressions are anchored, a label that is not there is empty. */
function holds(matcher: string, labels: Labels): boolean {
  const [, label = '', operator = '', value = ''] = /^(\w+)(=~|!~|!=|=)"(.*)"$/.exec(matcher) ?? [];
  const own = labels[label] ?? '';
  const is = operator.includes('~') ? new RegExp(`^(?:${value})$`).test(own) : own === value;
  return operator.startsWith('!') ? !is : is;
}

/** What is sent of all that fires. */
function told(firing: readonly Labels[]): Labels[] {
  return firing.filter(
    (target) =>
      !inhibitions().some(
        (rule) =>
          rule.target.every((matcher) => holds(matcher, target)) &&
          firing.some(
            (source) =>
              source !== target &&
              rule.source.every((matcher) => holds(matcher, source)) &&
              rule.equal.every((label) => (source[label] ?? '') === (target[label] ?? '')),
          ),
      ),
  );
}

describe('one cause', () => {
  it('silences alerts that there are, by matchers that can be read', () => {
    const names = new Set(alerts.map(({ alert }) => alert));
    const matchers = inhibitions().flatMap(({ source, target }) => [...source, ...target]);
    expect(matchers.filter((matcher) => parseMatcher(matcher) === undefined)).toEqual([]);
    const named = matchers
      .filter((matcher) => /^alertname=/.test(matcher))
      .flatMap((matcher) => matcher.replace(/^alertname=~?"(.*)"$/, '$1').split('|'));
    expect(named.length).toBeGreaterThan(30);
    expect([...new Set(named)].filter((name) => !names.has(name))).toEqual([]);
  });

  it('never leaves two alerts that silence each other: no one would be told of either', () => {
    const labels = { host: NODE, model: 'phi3', device: 'd', mountpoint: '/', backup: 'b', service: 'phi3' };
    const all = alerts.map(({ alert, labels: { severity = '' } }) => ({
      ...labels,
      alertname: alert,
      severity,
    }));
    const lost = all.flatMap((a) =>
      all.filter((b) => a !== b && told([a, b]).length === 0).map((b) => [a, b]),
    );
    expect(lost).toEqual([]);
  });
});

/** Takes away from `well()` what no longer answers: `up` is 0, and what only it could tell is gone from minute 5 on. */
const gone = (given: Record<string, string>, of: RegExp): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).map(([name, values]) =>
      !of.test(name)
        ? [name, values]
        : [name, /^(up|probe_success)\{/.test(name) ? '1x4 0x400' : '1x4 stale'],
    ),
  );

interface Cause {
  readonly given: Record<string, string>;
  /** All that fires at minute `at`, without the Watchdog. */
  readonly fires: readonly Labels[];
  readonly at: string;
  readonly told: readonly string[];
}

const critical = (alertname: string, more: Labels = {}) => ({
  alertname,
  severity: 'critical',
  host: NODE,
  ...more,
});
const warning = (alertname: string, more: Labels = {}) => ({
  alertname,
  severity: 'warning',
  host: NODE,
  ...more,
});
const [one = '', two = ''] = models;

const CAUSES: Readonly<Record<string, Cause>> = {
  'a host that dies': {
    given: gone(well(), /host="ai-node"/),
    at: '40m',
    fires: [
      critical('HostDown'),
      warning('ExporterDown'),
      warning('TargetDown'),
      ...models.map((model) => critical('ModelDown', { model })),
    ],
    told: ['HostDown critical'],
  },
  'a model that dies': {
    given: merged([
      gone(well(), new RegExp(`job="(vllm|probe)".*model="${one}"|instance="${one}"`)),
      { [series('citadel_model_up', { host: NODE, job: 'citadel', model: one })]: '1x4 0x400' },
      { [series('citadel_model_service_active', { host: NODE, job: 'citadel', model: one })]: '1x4 0x400' },
      { [series('citadel_model_probe_success', { host: NODE, job: 'citadel', model: one })]: '1x4 0x400' },
    ]),
    at: '40m',
    fires: [critical('ModelDown', { model: one })],
    told: ['ModelDown critical'],
  },
  'a model that is wedged': {
    given: merged([
      well(),
      { [series('citadel_model_probe_success', { host: NODE, job: 'citadel', model: one })]: '1x4 0x400' },
      {
        [series('citadel_model_probe_last_success_timestamp_seconds', {
          host: NODE,
          job: 'citadel',
          model: one,
        })]: '240x400',
      },
      tokens(one, '0 60 120 180 240x400'),
      {
        [series('vllm:num_requests_running', {
          host: NODE,
          job: 'vllm',
          model: one,
          model_name: one,
          engine: '0',
        })]: '3x400',
      },
    ]),
    at: '40m',
    fires: [
      critical('ModelProbeFailing', { model: one }),
      critical('ModelWedged', { model: one }),
      critical('ModelStalled', { model: one }),
    ],
    told: ['ModelProbeFailing critical'],
  },
  'a model that was wedged, and is well again: no page for what is over': {
    given: merged([
      well(),
      {
        [series('citadel_model_probe_success', { host: NODE, job: 'citadel', model: one })]: '1x4 0x29 1x400',
      },
      {
        [series('vllm:num_requests_running', {
          host: NODE,
          job: 'vllm',
          model: one,
          model_name: one,
          engine: '0',
        })]: '0x4 3x29 0x400',
      },
      tokens(one, '0+60x4 240x29 300+60x400'),
    ]),
    at: '38m',
    fires: [],
    told: [],
  },
  'a model with more to do than it can': {
    given: merged([
      well(),
      {
        [series('citadel_model_probe_success', { host: NODE, job: 'citadel', model: one })]:
          '1x4 0x5 1x9 0x9 1x400',
      },
      {
        [series('citadel_model_probe_last_success_timestamp_seconds', {
          host: NODE,
          job: 'citadel',
          model: one,
        })]: '1140x400',
      },
    ]),
    at: '26m',
    fires: [warning('ModelOverloaded', { model: one })],
    told: ['ModelOverloaded warning'],
  },
  'a boot after which models load one after another for half an hour': {
    given: merged([
      gone(well(), new RegExp(`job="(vllm|probe|citadel)".*model="(${models.join('|')})"|job="vllm"`)),
      {
        [series('node_systemd_unit_state', {
          host: NODE,
          job: 'node',
          name: `citadel-${one}.service`,
          state: 'activating',
          type: 'exec',
        })]: '1x15 0x400',
      },
      {
        [series('node_systemd_unit_state', {
          host: NODE,
          job: 'node',
          name: `citadel-${two}.service`,
          state: 'activating',
          type: 'exec',
        })]: '0x15 1x400',
      },
    ]),
    at: '30m',
    fires: [],
    told: [],
  },
};

describe.skipIf(!hasTool('promtool'))('one cause, by promtool', () => {
  it.each(Object.entries(CAUSES))(
    '%s is one message',
    async (_name, { given, at, fires, told: wanted }) => {
      expect(
        told(fires)
          .map(({ alertname = '', severity = '' }) => `${alertname} ${severity}`)
          .sort(),
      ).toEqual([...wanted].sort());
      const root = scratch();
      // Longer windows only ever say the same later.
      const files = groups
        .filter(({ name }) => name !== 'slo-budget')
        .map(({ name, text }) => [`${name}.yml`, text] as const);
      writeTree(root, {
        ...Object.fromEntries(files),
        'test.yml': renderYaml({
          rule_files: files.map(([file]) => file),
          evaluation_interval: '1m',
          tests: [
            {
              interval: '1m',
              input_series: Object.entries(given).map(([name, values]) => ({ series: name, values })),
              promql_expr_test: [
                {
                  expr: `group by (alertname, severity, host, model, service) (ALERTS{alertstate="firing", host="${NODE}", window!~"1d|3d|6h"})`,
                  eval_time: at,
                  exp_samples: fires.map((labels) => ({
                    labels: series('', labels).replaceAll('",', '", '),
                    value: 1,
                  })),
                },
              ],
            },
          ],
        }),
      });
      expect(await testRules(root, ['test.yml'])).toEqual(new Map([['test.yml', true]]));
    },
    600_000,
  );
});
