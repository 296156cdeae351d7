export { AlertCatalogue, alertGroups, type AlertCatalogueProps } from './catalogue.js';
export type { AlertFacts, AlertSpec, GroupSpec, WatchedModel, WatchedTarget } from './spec.js';
export { runbookPage, type RunbookHost, type RunbookModel } from './runbook-page.js';
