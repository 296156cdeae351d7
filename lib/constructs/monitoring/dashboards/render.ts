import {
  CustomVariableBuilder,
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  RowBuilder,
  type Dashboard,
  type Panel,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { sha256 } from '../../../manifest/index.js';
import { buildPanel } from './panel.js';
import { GRID_WIDTH, PANEL_HEIGHT, type DashboardSpec, type VariableSpec } from './spec.js';

/** Examples of Grafana 10 and later have it; newer servers migrate it upwards by themselves, older ones take it as it is. */
const SCHEMA_VERSION = 39;

/* eslint-disable @typescript-eslint/no-deprecated -- Grafana 13 begins to prefer its new form; this one is read by all versions */

/** A dashboard as the JSON that Grafana provisions. Ids follow from names, so that a panel keeps its own when others come and go. */
export function renderDashboard(spec: DashboardSpec, all: readonly DashboardSpec[]): object {
  const builder = new DashboardBuilder(spec.title)
    .uid(spec.uid)
    .description(spec.description)
    .tags(['citadel'])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: spec.from ?? 'now-6h', to: 'now' })
    .refresh('30s')
    .timezone('browser')
    .links(all.filter(({ uid }) => uid !== spec.uid).map(linkTo))
    .variables((spec.variables ?? []).map(variable));
  const dashboard: Dashboard = { ...builder.build(), schemaVersion: SCHEMA_VERSION, panels: panels(spec) };
  return withoutUndefined(dashboard) as object;
}

function panels(spec: DashboardSpec): Panel[] {
  let y = 0;
  return spec.rows.flatMap((row) => {
    const heading = new RowBuilder(row.title)
      .id(stableId(spec, row.title, ''))
      .gridPos({ x: 0, y, w: GRID_WIDTH, h: 1 });
    y += 1;
    const height = row.height ?? PANEL_HEIGHT;
    let x = 0;
    const placed = row.panels.map((panel) => {
      // What does not fit stands below; a test asserts that every line is full.
      if (x + panel.width > GRID_WIDTH) {
        x = 0;
        y += height;
      }
      const gridPos = { x, y, w: panel.width, h: height };
      x += panel.width;
      return { ...buildPanel(panel), id: stableId(spec, row.title, panel.title), gridPos };
    });
    y += height;
    return [heading.build(), ...placed];
  });
}

/** 24 bits of a digest of the names, which a test asserts to be unique on each dashboard. */
export function stableId(spec: Pick<DashboardSpec, 'uid'>, row: string, panel: string): number {
  return 1 + Number.parseInt(sha256(`${spec.uid}\n${row}\n${panel}`).slice(0, 6), 16);
}

function linkTo({ uid, title }: DashboardSpec): DashboardLinkBuilder {
  return new DashboardLinkBuilder(title)
    .type(DashboardLinkType.Link)
    .url(`/d/${uid}`)
    .keepTime(true)
    .icon('dashboard');
}

function variable({ name, label, values, multi = false }: VariableSpec): CustomVariableBuilder {
  const first = values[0] ?? '';
  const builder = new CustomVariableBuilder(name).label(label).values(values.join(','));
  return multi
    ? builder.multi(true).includeAll(true).current({ text: 'All', value: '$__all' })
    : builder.current({ text: first, value: first });
}

function withoutUndefined(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
