export { Alertmanager, type AlertmanagerProps } from './alertmanager.js';
export { DaemonArguments, type DaemonArgumentsProps } from './daemon-arguments.js';
export { NodeExporter, type NodeExporterProps } from './node-exporter.js';
export { Prometheus, type PrometheusProps } from './prometheus.js';
export { scrapeConfigs, type ScrapeConfig, type ScrapeTarget } from './scrape.js';
