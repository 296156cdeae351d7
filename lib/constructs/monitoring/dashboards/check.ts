import type { OwnProblem } from '../../host/index.js';
import { checkQuery, type QueryContext } from '../promql/index.js';
import { stableId } from './render.js';
import { GRID_WIDTH, type DashboardSpec } from './spec.js';

/**
 * What Grafana would show as an empty or crooked page: queries that cannot be read or ask for what nothing exposes,
 * lines that do not fill the grid, ids and uids that stand twice.
 */
export function dashboardProblems(specs: readonly DashboardSpec[], context: QueryContext = {}): OwnProblem[] {
  return [
    ...duplicates(specs),
    ...specs.flatMap((spec) => [...ids(spec), ...lines(spec), ...queries(spec, context)]),
  ];
}

function duplicates(specs: readonly DashboardSpec[]): OwnProblem[] {
  return specs
    .filter(({ uid }, index) => specs.findIndex((other) => other.uid === uid) < index)
    .map(({ uid, title }) => ({
      code: 'construct.dashboard.duplicate-uid',
      property: title,
      got: `the uid "${uid}" is that of another dashboard as well`,
      fix: 'Give each dashboard a uid of its own',
    }));
}

function ids(spec: DashboardSpec): OwnProblem[] {
  const seen = new Map<number, string>();
  const names = spec.rows.flatMap((row) => [
    [row.title, ''],
    ...row.panels.map((panel) => [row.title, panel.title]),
  ]);
  return names.flatMap(([row = '', panel = '']): OwnProblem[] => {
    const id = stableId(spec, row, panel);
    const other = seen.get(id);
    seen.set(id, `${row}/${panel}`);
    if (other === undefined) return [];
    return [
      {
        code: 'construct.dashboard.duplicate-panel',
        property: `${spec.uid}: ${row}`,
        got: `"${row}/${panel}" and "${other}" have one id`,
        fix: 'Give the panels of a row titles of their own',
      },
    ];
  });
}

/** Panels stand side by side until the next one does not fit; then each line must be full. */
function lines(spec: DashboardSpec): OwnProblem[] {
  return spec.rows.flatMap((row) => {
    const widths: number[] = [];
    for (const { width } of row.panels) {
      const last = widths.at(-1);
      if (last !== undefined && last + width <= GRID_WIDTH) widths[widths.length - 1] = last + width;
      else widths.push(width);
    }
    return widths
      .filter((width) => width !== GRID_WIDTH)
      .map((width) => ({
        code: 'construct.dashboard.line',
        property: `${spec.uid}: ${row.title}`,
        got: `a line of panels is ${width} of ${GRID_WIDTH} columns wide`,
        fix: `Give its panels widths that sum to ${GRID_WIDTH}`,
      }));
  });
}

function queries(spec: DashboardSpec, context: QueryContext): OwnProblem[] {
  return spec.rows.flatMap((row) =>
    row.panels.flatMap((panel) =>
      panel.queries.flatMap(
        ({ expr }) =>
          checkQuery(filled(expr, spec), `${spec.uid}: ${row.title}/${panel.title}`, context).problems,
      ),
    ),
  );
}

/** A query as Prometheus gets it: Grafana's own variables have a value, the dashboard's stand for one of theirs. */
export function filled(expr: string, spec: Pick<DashboardSpec, 'variables'>): string {
  const own = (spec.variables ?? []).map(({ name, values }) => [name, values[0] ?? 'x'] as const);
  return [['__rate_interval', '5m'], ['__range', '1h'], ...own].reduce(
    (text, [name = '', value = '']) => text.replaceAll(`$${name}`, value),
    expr,
  );
}
