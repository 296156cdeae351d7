/**
 * Scrape jobs: the contract between what Prometheus scrapes and what rules and dashboards ask for. Every target has the
 * labels `job`, `instance` and `host` (the host's name in the inventory), and those that stand here.
 */
export const JOBS = {
  /** Node exporter, and the textfiles it serves. */
  node: 'node',
  /** The AI node's own exporter (port 8000): models, GPUs, storage. */
  citadel: 'citadel',
  /** Each model service's own `/metrics`, with the label `model` (its name in the inventory). */
  vllm: 'vllm',
  /** The proxy between the network and an AI node's models. */
  lan: 'lan',
  /** The proxy of a gateway to models on many nodes. */
  gateway: 'gateway',
  prometheus: 'prometheus',
  alertmanager: 'alertmanager',
  grafana: 'grafana',
  /** The blackbox exporter's own metrics. */
  blackbox: 'blackbox',
  /** What the blackbox exporter is told to ask, with the label `service` (what is asked: a model, `grafana`, …), and `model`. */
  probe: 'probe',
} as const;

export type Job = (typeof JOBS)[keyof typeof JOBS];

export const TARGET_LABELS: readonly string[] = ['host', 'instance', 'job'];
