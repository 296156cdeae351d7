export {
  AlertmanagerServer,
  type AlertmanagerServerProps,
  type Inhibition,
  type Notification,
  type Receivers,
  type Route,
  type TimeWindow,
} from './alertmanager/index.js';
export { runbookPage, type RunbookHost, type RunbookModel } from './alerts/index.js';
export { BlackboxExporter, type BlackboxExporterProps, type HttpModule } from './blackbox-exporter.js';
export { DaemonArguments, type DaemonArgumentsProps } from '../../constructs/monitoring/daemon-arguments.js';
export { DevOpsServer, type DevOpsServerProps, type Probe } from './dev-ops-server.js';
export {
  GrafanaServer,
  type DataSource,
  type GrafanaAccess,
  type GrafanaServerProps,
  type GrafanaSource,
} from './grafana/index.js';
export { PrometheusServer, type PrometheusServerProps, type RemoteWrite } from './prometheus-server.js';
export { scrapeConfigs, targetGroups, type ScrapeConfig, type ScrapeJob } from './scrape.js';
export type { ScrapeTarget } from '../../constructs/monitoring/scraper.js';
export { WebConfig, type WebConfigProps } from './web-config.js';
