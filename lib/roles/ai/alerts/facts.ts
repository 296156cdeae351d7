import type { Thresholds } from '../../../inventory/index.js';
import type { Slo } from '../schema/slo.js';

/** A model service that runs whenever its host runs. */
export interface WatchedModel {
  /** Its name in the inventory, and the label `model`. */
  readonly name: string;
  /** Host that it runs on. */
  readonly host: string;
  readonly port: number;
  /** Whether the exporter asks it for a token. */
  readonly probed: boolean;
}

/** What the alerts and dashboards about AI nodes are made from. */
export interface NodesFacts {
  readonly thresholds: Thresholds;
  readonly slo: Slo;
  /** Hosts with GPUs and models, sorted. */
  readonly aiHosts: readonly string[];
  /** Sorted by host, then by name. */
  readonly models: readonly WatchedModel[];
  /** Mount points that hold backups; empty where none are made. */
  readonly backupMounts: readonly string[];
  readonly backups: boolean;
}
