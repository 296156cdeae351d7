import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  dashboardFiles as filesOf,
  dashboardProblems,
  dashboardsOf as dashboardsWith,
  overviewImport as importOf,
  type DashboardSpec,
} from '../../../../lib/roles/monitoring/dashboards/index.js';
import { groupsOf, wholeInventory } from '../alert-tree.js';
import { loadInventory } from '../../../support/site.js';
import type { NodesFacts } from '../../../../lib/roles/ai/alerts/facts.js';
import { dashboardsOf as nodeDashboards } from '../../../../lib/roles/ai/contribute.js';

const { thresholds, slo } = loadInventory(join('stacks/inventory/citadel.yaml'), {}, process.cwd());
const model = (name: string, port: number) => ({ name, host: 'ai-node', port, probed: true });
type Facts = NodesFacts & { readonly hosts: readonly string[] };
/** As the roles contribute them. */
const dashboardsOf = (given: Facts) => dashboardsWith(given, nodeDashboards(given));
/** What the rules of such a fleet record; the labels of each are its own affair. */
const recorded = new Map(
  groupsOf(wholeInventory()).flatMap(({ records }) =>
    records.map(({ props }) => [props.record, undefined] as const),
  ),
);
const dashboardFiles = (given: Facts) => filesOf(dashboardsOf(given));
const overviewImport = (given: Facts) => importOf(dashboardsOf(given));
const facts: Facts = {
  backupMounts: [],
  thresholds,
  slo,
  hosts: ['ai-node', 'dev-ops'],
  aiHosts: ['ai-node'],
  models: ['coder', 'hermes', 'mixtral', 'openchat', 'phi3', 'vision', 'yi34b'].map((name, n) =>
    model(name, 11400 + n),
  ),
  backups: true,
};

interface Panel {
  id: number;
  type: string;
  title: string;
  description?: string;
  gridPos: { x: number; y: number; w: number; h: number };
  targets?: { refId: string; expr: string; legendFormat?: string }[];
  fieldConfig?: { defaults: { unit?: string } };
  datasource?: { uid: string };
}
interface Rendered {
  uid: string;
  title: string;
  id?: unknown;
  schemaVersion: number;
  links: { url: string }[];
  panels: Panel[];
}
const rendered = (given: Facts): Rendered[] =>
  Object.values(dashboardFiles(given)).map((text) => JSON.parse(text) as Rendered);

describe('dashboards', () => {
  it('are seven, and nothing is wrong with them', () => {
    expect(Object.keys(dashboardFiles(facts))).toEqual([
      'overview',
      'models',
      'model',
      'gpus',
      'hosts',
      'storage',
      'monitoring',
    ]);
    expect(dashboardProblems(dashboardsOf(facts), { recorded })).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 12])('fill the grid with %d models', (count) => {
    const models = Array.from({ length: count }, (_, n) => model(`m${n}`, 11400 + n));
    expect(dashboardProblems(dashboardsOf({ ...facts, models }), { recorded })).toEqual([]);
  });

  it('fill the grid for a fleet without GPUs, models or backups', () => {
    const bare = { ...facts, aiHosts: [], models: [], backups: false };
    expect(dashboardProblems(dashboardsOf(bare))).toEqual([]);
    expect(Object.keys(dashboardFiles(bare))).toEqual(['overview', 'hosts', 'storage', 'monitoring']);
    expect(JSON.stringify(rendered(bare))).not.toMatch(/citadel_model|citadel_gpu|vllm:|citadel_backup/);
  });

  it('have panels that lie side by side without gaps or overlaps', () => {
    for (const { uid, panels } of rendered(facts)) {
      const cells = new Set<string>();
      let bottom = 0;
      for (const { gridPos, title } of panels) {
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1) {
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(cells.has(`${x},${y}`), `${uid}: ${title} covers another panel`).toBe(false);
            cells.add(`${x},${y}`);
          }
        }
        bottom = Math.max(bottom, gridPos.y + gridPos.h);
      }
      expect(cells.size, `${uid} has gaps`).toBe(24 * bottom);
    }
  });

  it('name every panel, say what it shows, and give units and data sources', () => {
    for (const { uid, panels } of rendered(facts)) {
      for (const panel of panels.filter(({ type }) => type !== 'row')) {
        const where = `${uid}: ${panel.title}`;
        expect(panel.title, where).not.toBe('');
        expect(panel.description, where).toMatch(/[a-z]{3}/);
        expect(panel.fieldConfig?.defaults.unit, where).toMatch(/./);
        expect(panel.datasource?.uid, where).toBe('prometheus');
        for (const target of panel.targets ?? []) {
          expect(target.refId, where).toMatch(/^[A-Z]$/);
          const several = panel.type === 'timeseries' || panel.type === 'state-timeline';
          if (several) expect(target.legendFormat, where).toMatch(/./);
        }
      }
    }
  });

  it('have ids and uids that are unique', () => {
    const all = rendered(facts);
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
    for (const { uid, panels } of all) {
      expect(new Set(panels.map(({ id }) => id)).size, uid).toBe(panels.length);
      expect(uid).toMatch(/^[A-Za-z0-9_-]{1,40}$/);
    }
  });

  it('lead only to dashboards that there are', () => {
    for (const given of [facts, { ...facts, aiHosts: [], models: [], backups: false }]) {
      const all = rendered(given);
      const uids = all.map(({ uid }) => uid);
      const links = [...JSON.stringify(all).matchAll(/"\/d\/([a-z-]+)/g)].map(([, uid]) => uid);
      expect(links.length).toBeGreaterThan(5);
      expect(links.filter((uid) => !uids.includes(uid ?? ''))).toEqual([]);
    }
  });

  it('keep the ids of panels when a model goes, and lose that model’s panels and nothing else', () => {
    const without = { ...facts, models: facts.models.filter(({ name }) => name !== 'phi3') };
    const ids = (given: Facts) =>
      rendered(given).flatMap(({ uid, panels }) => panels.map(({ id, title }) => `${uid} ${id} ${title}`));
    const gone = ids(facts).filter((id) => !ids(without).includes(id));
    expect(gone.map((id) => id.replace(/ \d+ /, ' '))).toEqual(['citadel-models phi3']);
    expect(ids(without).filter((id) => !ids(facts).includes(id))).toEqual([]);
    expect(JSON.stringify(rendered(without))).not.toContain('phi3');
  });

  it('draw their levels where the alerts have theirs', () => {
    const text = (given: Facts) => JSON.stringify(rendered(given));
    const numbers = Object.entries(thresholds).flatMap(([name, level]) =>
      typeof level === 'number' ? [[name, level] as const] : [],
    );
    const drawn = numbers.filter(
      ([name, level]) =>
        text({ ...facts, thresholds: { ...thresholds, [name]: level * 0.9 } }) !== text(facts),
    );
    expect(drawn.map(([name]) => name).sort()).toEqual([
      'gpuMemoryPercent',
      'kvCachePercent',
      'modelProbeAgeSec',
      'queueLength',
      'smartUsedPercent',
    ]);
  });

  it('are the same every time', () => {
    expect(dashboardFiles(facts)).toEqual(dashboardFiles({ ...facts }));
  });

  it('can be imported by hand', () => {
    const payload = JSON.parse(overviewImport(facts)) as {
      dashboard: Rendered;
      overwrite: boolean;
      inputs: unknown;
    };
    expect(payload).toMatchObject({ overwrite: true, inputs: [] });
    expect(payload.dashboard).toMatchObject({ id: null, uid: 'citadel-overview-import', schemaVersion: 39 });
  });
});

describe('what is wrong with a dashboard', () => {
  const panel = (title: string, expr: string, width = 24) => ({
    kind: 'stat' as const,
    title,
    description: 'd',
    width,
    queries: [{ expr }],
    unit: 'none',
  });
  const dashboard = (panels: ReturnType<typeof panel>[], uid = 'x'): DashboardSpec => ({
    uid,
    title: `Title of ${uid}`,
    description: 'd',
    rows: [{ title: 'Row', panels }],
  });
  const found = (...specs: DashboardSpec[]) =>
    dashboardProblems(specs).map(({ property, got, fix }) => `${property ?? ''}: ${got}. ${fix}`);

  it('is said with the panel and the place in the query', () => {
    expect(found(dashboard([panel('A', 'up == ')]))[0]).toMatch(/^x: Row\/A: this is not PromQL \(/);
    expect(found(dashboard([panel('A', 'citadel_modle_up')]))[0]).toMatch(
      /^x: Row\/A: there is no such metric [\s\S]*Did you mean "citadel_model_up"\?$/,
    );
    expect(found(dashboard([panel('A', 'rate(vllm:gpu_cache_usage_perc[$__rate_interval])')]))[0]).toContain(
      'vLLM renamed it: use "vllm:kv_cache_usage_perc"',
    );
  });

  it('is said of lines, ids and uids', () => {
    expect(found(dashboard([panel('A', 'up', 12), panel('B', 'up', 6), panel('C', 'up', 12)]))).toEqual([
      'x: Row: a line of panels is 18 of 24 columns wide. Give its panels widths that sum to 24',
      'x: Row: a line of panels is 12 of 24 columns wide. Give its panels widths that sum to 24',
    ]);
    expect(found(dashboard([panel('A', 'up', 12), panel('A', 'up', 12)]))).toEqual([
      'x: Row: "Row/A" and "Row/A" have one id. Give the panels of a row titles of their own',
    ]);
    expect(found(dashboard([panel('A', 'up')]), dashboard([panel('A', 'up')]))).toEqual([
      'Title of x: the uid "x" is that of another dashboard as well. Give each dashboard a uid of its own',
    ]);
  });
});
