import type { AlertFacts, GroupSpec } from '../constructs/monitoring/alerts/spec.js';
import type { DashboardSpec } from '../constructs/monitoring/dashboards/spec.js';
import type { MetricSource } from '../constructs/monitoring/metrics/index.js';
import type { ScrapeTarget } from '../constructs/monitoring/scraper.js';

/** Something that answers Prometheus; with the host's name under `labels.host`. */
export type ScrapeTargetContribution = { readonly kind: 'scrape-target' } & ScrapeTarget;

/** A URL that is asked from outside; with the host's name under `labels.host`, and what is asked under `labels.service`. */
export interface ProbeContribution {
  readonly kind: 'probe';
  readonly url: string;
  readonly labels: Readonly<Record<string, string>>;
}

/** Alert rules, each with its runbook and its tests; made once everything that roles contribute is known. */
export interface AlertsContribution {
  readonly kind: 'alerts';
  /** `undefined`: nothing to watch after all. */
  readonly group: (facts: AlertFacts) => GroupSpec | undefined;
}

/** Metrics that scrape targets of the role give: rules may ask for these and for no others. */
export interface MetricsContribution {
  readonly kind: 'metrics';
  readonly source: MetricSource;
}

export interface DashboardContribution {
  readonly kind: 'dashboard';
  readonly dashboard: DashboardSpec;
}

/** A file of a dashboard in the form in which a person imports it, for hosts that keep copies. */
export interface DashboardImportContribution {
  readonly kind: 'dashboard-import';
  /** `citadel-overview.json` */
  readonly name: string;
  readonly content: () => string;
}

/** A log that its program writes and something else has to keep from filling the disk. */
export interface LogFileContribution {
  readonly kind: 'log-file';
  readonly host: string;
  readonly path: string;
}

/** A directory that holds backups, or that is to be backed up. */
export interface BackupSetContribution {
  readonly kind: 'backup-set';
  readonly host: string;
  /** Where the copies are. */
  readonly directory: string;
}

/** What a service keeps on a host that no inventory brings back: it is kept off-site where the host has a place for it. */
export interface StateContribution {
  readonly kind: 'state';
  readonly host: string;
  /** Absolute path: a file or folder, of `sqlite` the database, of `prometheus` its data. */
  readonly path: string;
  /** How a whole copy is made: as the files are, by sqlite's own backup, by second names of blocks that never change. */
  readonly how: 'files' | 'sqlite' | 'prometheus';
  /** Account that it belongs to, which is its group too. */
  readonly owner: string;
  /** The service that has it open: it is stopped while a copy is put in its place. */
  readonly unit: string;
}

/** A service of the site that other hosts ask. */
export interface EndpointContribution {
  readonly kind: 'endpoint';
  /** `prometheus`, `alertmanager`, `grafana`, or a name of the role's own. */
  readonly name: string;
  readonly host: string;
  /** Address of the host, as it stands in the URL without brackets. */
  readonly address: string;
  readonly url: string;
  /** Who may ask it, where it asks for an account: a user, and the name of the secret with the password. */
  readonly login?: { readonly user: string; readonly password: string };
}

/** A host that reads scrape targets: targets let it in. */
export interface ScraperContribution {
  readonly kind: 'scraper';
  readonly host: string;
}

/** A host that asks endpoints: endpoints let it in. */
export interface ClientContribution {
  readonly kind: 'client';
  readonly host: string;
}

/** A model that a host serves on the network while it runs; it is ready when `/health` answers 200. */
export interface ModelServerContribution {
  readonly kind: 'model-server';
  readonly host: string;
  /** Its name in the inventory: that of the same model on every host. */
  readonly model: string;
  /** IP address or name of the host. */
  readonly address: string;
  readonly port: number;
  readonly tls: boolean;
  /** Whether every request needs a key. */
  readonly asksForKey: boolean;
}

/** A host that asks models for others: model servers let it in. */
export interface ModelClientContribution {
  readonly kind: 'model-client';
  readonly host: string;
}

/** A host whose disks the role lays out itself: no other role mounts them. */
export interface DisksContribution {
  readonly kind: 'disks';
  readonly host: string;
}

/** All that roles may tell each other. None of them knows who contributes or who reads. */
export type RoleContribution =
  | ScrapeTargetContribution
  | ProbeContribution
  | AlertsContribution
  | MetricsContribution
  | DashboardContribution
  | DashboardImportContribution
  | LogFileContribution
  | BackupSetContribution
  | StateContribution
  | EndpointContribution
  | ScraperContribution
  | ClientContribution
  | ModelServerContribution
  | ModelClientContribution
  | DisksContribution;

export type ContributionKind = RoleContribution['kind'];
export type ContributionOf<K extends ContributionKind> = Extract<RoleContribution, { readonly kind: K }>;
