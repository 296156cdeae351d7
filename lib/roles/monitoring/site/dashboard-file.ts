import type { OwnProblem } from '../../../constructs/host/index.js';
import { queryProblems } from './rule-file.js';

/** Data sources that are provisioned, and what Grafana brings. */
const SOURCES = ['prometheus', 'alertmanager', '-- Grafana --', '-- Mixed --', '-- Dashboard --'];

/**
 * What Grafana would show as an empty page of a dashboard that a person has exported. Its uid is looked at with those of all dashboards.
 *
 * @param file as the inventory names it
 */
export function dashboardFileProblems(file: string, text: string): OwnProblem[] {
  const refuse = (at: string, got: string, fix: string): OwnProblem => ({
    code: 'construct.site-dashboard',
    property: at === '' ? file : `${file}: ${at}`,
    got,
    fix,
  });
  const dashboard = objectOf(text);
  if (dashboard === undefined)
    return [refuse('', 'it is not a JSON object', 'Give the text of a dashboard as Grafana exports it')];
  const problems: OwnProblem[] = [];
  if (typeof dashboard['title'] !== 'string' || dashboard['title'].trim() === '')
    problems.push(refuse('title', 'it is missing', 'Give the dashboard a title'));
  if (Array.isArray(dashboard['__inputs']) && dashboard['__inputs'].length > 0) {
    problems.push(
      refuse(
        '__inputs',
        'it was exported for sharing: no one fills these in when it is provisioned',
        'Export it without "Export for sharing externally", or take __inputs out and name the data source "prometheus"',
      ),
    );
  }
  for (const { panel, name } of panelsOf(dashboard['panels'])) {
    const targets = Array.isArray(panel['targets']) ? panel['targets'].filter(isObject) : [];
    for (const source of [panel['datasource'], ...targets.map((target) => target['datasource'])]) {
      const uid = isObject(source) ? source['uid'] : source;
      if (typeof uid !== 'string' || uid.includes('$') || SOURCES.includes(uid)) continue;
      problems.push(
        refuse(name, `there is no data source "${uid}"`, 'Use the uid "prometheus" or "alertmanager"'),
      );
      break;
    }
    for (const { expr } of targets) {
      if (typeof expr !== 'string' || expr.trim() === '') continue;
      const query = withoutVariables(expr);
      if (query !== undefined) problems.push(...queryProblems(query, `${file}: ${name}`));
    }
  }
  return problems;
}

/** The dashboard as it is provisioned: a number of another Grafana's database would be another dashboard here. */
export function provisioned(text: string): string {
  const dashboard = objectOf(text);
  return dashboard === undefined ? text : `${JSON.stringify({ ...dashboard, id: null }, null, 2)}\n`;
}

/** A query with a value for Grafana's own variables; `undefined` where one of the dashboard's stands for a part of the query. */
export function withoutVariables(expr: string): string | undefined {
  const filled = expr
    .replaceAll(/\$\{__(rate_interval|interval|range)\}|\$__(rate_interval|interval|range)\b(?!_)/g, '5m')
    .replaceAll(/\$\{__(interval_ms|range_s|range_ms)\}|\$__(interval_ms|range_s|range_ms)\b/g, '300');
  const outside = filled.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""');
  return /\$|\[\[/.test(outside) ? undefined : filled;
}

type Json = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function objectOf(text: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** Of rows that are closed as well, with what a person calls each. */
function panelsOf(value: unknown): { readonly panel: Json; readonly name: string }[] {
  if (!Array.isArray(value)) return [];
  return value.filter(isObject).flatMap((panel, index) => {
    const { title } = panel;
    const name = typeof title === 'string' && title !== '' ? `panel "${title}"` : `panels[${index}]`;
    return [{ panel, name }, ...panelsOf(panel['panels'])];
  });
}
