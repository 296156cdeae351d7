import { dashboardProblems } from '../../../constructs/monitoring/dashboards/check.js';
import { UID, type DashboardFacts } from '../../../constructs/monitoring/dashboards/facts.js';
import { hostsDashboard } from './hosts.js';
import { monitoringDashboard } from './monitoring.js';
import { overviewDashboard } from './overview.js';
import { renderDashboard } from '../../../constructs/monitoring/dashboards/render.js';
import type { DashboardSpec } from '../../../constructs/monitoring/dashboards/spec.js';
import { storageDashboard } from './storage.js';

export { dashboardProblems, UID, type DashboardFacts, type DashboardSpec };
export { filled } from '../../../constructs/monitoring/dashboards/check.js';
export { renderDashboard, stableId } from '../../../constructs/monitoring/dashboards/render.js';

/**
 * Every dashboard that a fleet has something to show on.
 *
 * @param contributed by roles, in their order
 */
export function dashboardsOf(
  facts: DashboardFacts,
  contributed: readonly DashboardSpec[] = [],
): DashboardSpec[] {
  return [
    overviewDashboard(facts),
    ...contributed,
    hostsDashboard(facts),
    storageDashboard(facts),
    monitoringDashboard(),
  ];
}

/** As files for provisioning: name without `.json` → text, formatted so that a change of a panel is a diff of its lines. */
export function dashboardFiles(specs: readonly DashboardSpec[]): Record<string, string> {
  return Object.fromEntries(
    specs.map((spec) => [spec.uid.replace(/^citadel-/, ''), jsonText(renderDashboard(spec, specs))]),
  );
}

/**
 * The overview in the form that Grafana's `POST /api/dashboards/import` takes. It has a uid and a title of its own: a Grafana that has the
 * overview provisioned from a file refuses another one under that uid, whatever `overwrite` says. Source: pkg/services/dashboards/service,
 * ErrDashboardCannotSaveProvisionedDashboard.
 */
export function overviewImport(specs: readonly DashboardSpec[]): string {
  const [overview] = specs;
  const copy =
    overview === undefined
      ? {}
      : renderDashboard(
          { ...overview, uid: `${overview.uid}-import`, title: `${overview.title} (imported)` },
          specs,
        );
  return jsonText({ dashboard: { ...copy, id: null }, overwrite: true, inputs: [], folderUid: '' });
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
