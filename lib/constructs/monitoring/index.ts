export {
  AlertmanagerServer,
  type AlertmanagerServerProps,
  type Inhibition,
  type Notification,
  type Receivers,
  type Route,
  type TimeWindow,
} from './alertmanager/index.js';
export { BlackboxExporter, type BlackboxExporterProps, type HttpModule } from './blackbox-exporter.js';
export { DaemonArguments, type DaemonArgumentsProps } from './daemon-arguments.js';
export { DevOpsServer, type DevOpsServerProps, type Probe } from './dev-ops-server.js';
export {
  GrafanaServer,
  type DataSource,
  type GrafanaServerProps,
  type GrafanaSource,
} from './grafana/index.js';
export { NodeExporter, type NodeExporterProps } from './node-exporter.js';
export { PrometheusServer, type PrometheusServerProps, type RemoteWrite } from './prometheus-server.js';
export { scrapeConfigs, type ScrapeConfig, type ScrapeJob, type ScrapeTarget } from './scrape.js';
export { WebConfig, type WebConfigProps } from './web-config.js';
