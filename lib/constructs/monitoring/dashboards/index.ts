import { dashboardProblems } from './check.js';
import { UID, type DashboardFacts } from './facts.js';
import { gpusDashboard } from './gpus.js';
import { hostsDashboard } from './hosts.js';
import { modelDashboard } from './model.js';
import { modelsDashboard } from './models.js';
import { monitoringDashboard } from './monitoring.js';
import { overviewDashboard } from './overview.js';
import { renderDashboard } from './render.js';
import type { DashboardSpec } from './spec.js';
import { storageDashboard } from './storage.js';

export { dashboardProblems, UID, type DashboardFacts, type DashboardSpec };
export { filled } from './check.js';
export { renderDashboard, stableId } from './render.js';

/** Every dashboard that a fleet has something to show on. */
export function dashboardsOf(facts: DashboardFacts): DashboardSpec[] {
  const models = facts.models.length > 0;
  return [
    overviewDashboard(facts),
    ...(models ? [modelsDashboard(facts), modelDashboard(facts)] : []),
    ...(facts.aiHosts.length > 0 ? [gpusDashboard(facts)] : []),
    hostsDashboard(facts),
    storageDashboard(facts),
    monitoringDashboard(),
  ];
}

/** As files for provisioning: name without `.json` → text, formatted so that a change of a panel is a diff of its lines. */
export function dashboardFiles(facts: DashboardFacts): Record<string, string> {
  const specs = dashboardsOf(facts);
  return Object.fromEntries(
    specs.map((spec) => [spec.uid.replace(/^citadel-/, ''), jsonText(renderDashboard(spec, specs))]),
  );
}

/** The overview in the form that Grafana's `POST /api/dashboards/import` takes. */
export function overviewImport(facts: DashboardFacts): string {
  const specs = dashboardsOf(facts);
  const [overview] = specs;
  const dashboard = overview === undefined ? {} : renderDashboard(overview, specs);
  return jsonText({ dashboard: { ...dashboard, id: null }, overwrite: true, inputs: [], folderUid: '' });
}

function jsonText(value: object): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}
