export { AlertCatalogue, alertGroups, type AlertCatalogueProps } from './catalogue.js';
export type {
  AlertFacts,
  AlertSpec,
  GroupSpec,
  WatchedTarget,
} from '../../../constructs/monitoring/alerts/spec.js';
export { runbookPage, type RunbookHost, type RunbookModel } from './runbook-page.js';
