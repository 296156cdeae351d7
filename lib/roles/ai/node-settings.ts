import { PythonFloat, renderPythonSettings, type PythonValue } from '../../render/index.js';
import { by, byKey } from '../../text/order.js';

/** Where things stand on the node. Absolute paths. */
export interface SettingsPaths {
  readonly root: string;
  readonly configs: string;
  readonly scripts: string;
  readonly logs: string;
  readonly monitoringLogs: string;
  readonly dashboards: string;
  readonly environment: string;
  readonly modelsLink: string;
  readonly modelsDisk: string;
  readonly active: string;
  readonly staging: string;
  readonly state: string;
  readonly textfiles: string;
  readonly generations: string;
}

export interface SettingsModel {
  /** Full name of its unit. */
  readonly unit: string;
  /** Account that runs it. */
  readonly account: string;
  readonly port: number;
  /** Folder of the weights. */
  readonly directory: string;
  /** Absolute path of that folder. */
  readonly path: string;
  readonly servedName: string;
  readonly gpus: readonly number[];
  readonly gpuMemoryUtilization: number;
  readonly start: 'boot' | 'manual';
  readonly loadTimeoutSec: number;
  readonly weightsGiB: number;
  /** Root-only file of its API key, or `null`. */
  readonly apiKeyFile: string | null;
  /** Names of models that cannot run at the same time. */
  readonly conflicts: readonly string[];
  readonly probe: 'completion' | 'embedding' | 'none';
}

/** Copies that are kept, and how old the newest may be. */
export interface SettingsRetention {
  readonly keep: number;
  readonly maxAgeSec: number;
}

export interface SettingsBackup {
  readonly directory: string;
  readonly daily: SettingsRetention;
  readonly weekly: SettingsRetention;
  readonly monthly: SettingsRetention;
  readonly configs: SettingsRetention;
  readonly verify: { readonly maxAgeSec: number };
  readonly cleanupDays: number;
  readonly archiveDays: number;
  /** Of zstd. @default 3 */
  readonly compressionLevel?: number;
  /** Files and directories whose copies are kept. */
  readonly configSources: readonly string[];
}

interface Level {
  readonly warning: number;
  readonly critical: number;
}

/** Everything that the programs of the node know about it. */
export interface NodeSettings {
  readonly node: {
    readonly name: string;
    readonly address: string;
    /** Account of people and of the node's own programs. */
    readonly account: string;
    /** Group that reads weights. */
    readonly readers: string;
  };
  readonly paths: SettingsPaths;
  /** `sizeGiB` is `null` where no one has said it. */
  readonly mounts: readonly {
    readonly path: string;
    /** As in /etc/fstab. */
    readonly source: string;
    readonly type: string;
    readonly sizeGiB: number | null;
  }[];
  /** Directories that `storage_manager.py create-dirs` makes. */
  readonly directories: readonly {
    readonly path: string;
    readonly owner: string;
    readonly group: string;
    /** Four octal digits. */
    readonly mode: string;
  }[];
  readonly links: readonly { readonly path: string; readonly target: string }[];
  /** In the driver's order. `powerLimitWatts` is `null` for the card's own. */
  readonly gpus: readonly { readonly memoryGiB: number; readonly powerLimitWatts: number | null }[];
  readonly models: Readonly<Record<string, SettingsModel>>;
  /** @default - the names of this project */
  readonly units?: Readonly<Partial<Record<keyof typeof UNITS, string>>>;
  readonly backup: SettingsBackup;
  readonly exporter?: {
    readonly port?: number;
    readonly healthPort?: number;
    readonly probeIntervalSec?: number;
  };
  readonly monitor?: {
    readonly intervalSec?: number;
    readonly keepMetrics?: number;
    readonly keepAlerts?: number;
    readonly restartAfterFailures?: number;
    readonly restartsPerHour?: number;
  };
  readonly thresholds: {
    readonly cpuPercent: Level;
    readonly memoryPercent: Level;
    readonly diskPercent: Level;
    readonly gpuTemperatureCelsius: Level;
    readonly smartUsedPercent: number;
  };
  /** URLs of the monitoring server; `null` where there is none. */
  readonly endpoints: Readonly<Record<'prometheus' | 'alertmanager' | 'grafana', string | null>>;
  /** Model that a gradual deployment begins with; `null` where there is no model. */
  readonly firstModel: string | null;
}

const UNITS = {
  all: 'citadel-ai.target',
  models: 'citadel-models.target',
  storage: 'citadel-storage.service',
  gpu: 'citadel-gpu.service',
  monitor: 'citadel-monitor.service',
  exporter: 'citadel-metrics-exporter.service',
  nodeExporter: 'prometheus-node-exporter.service',
};

/**
 * `/opt/citadel/configs/storage_settings.py`: literal assignments, which the node's programs read without running them. All keys
 * are always there, in one order.
 */
export function nodeSettings(settings: NodeSettings): string {
  const { node, exporter, monitor, firstModel } = settings;
  return renderPythonSettings(
    {
      NODE: { name: node.name, address: node.address, account: node.account, readers: node.readers },
      PATHS: paths(settings.paths),
      MOUNTS: byPath(settings.mounts).map(({ path, source, type, sizeGiB }) => ({
        path,
        source,
        type,
        size_gib: float(sizeGiB),
      })),
      DIRECTORIES: byPath(settings.directories).map(({ path, owner, group, mode }) => ({
        path,
        owner,
        group,
        mode,
      })),
      LINKS: byPath(settings.links).map(({ path, target }) => ({ path, target })),
      GPUS: settings.gpus.map(({ memoryGiB, powerLimitWatts }, index) => ({
        index,
        memory_gib: float(memoryGiB),
        power_limit_watts: float(powerLimitWatts),
      })),
      MODELS: Object.fromEntries(sortedEntries(settings.models).map(([name, given]) => [name, model(given)])),
      UNITS: units(settings.units ?? {}),
      BACKUP: backup(settings.backup),
      EXPORTER: {
        port: exporter?.port ?? 8000,
        health_port: exporter?.healthPort ?? 8001,
        probe_interval_sec: exporter?.probeIntervalSec ?? 30,
      },
      MONITOR: {
        interval_sec: monitor?.intervalSec ?? 15,
        keep_metrics: monitor?.keepMetrics ?? 2880,
        keep_alerts: monitor?.keepAlerts ?? 1000,
        restart_after_failures: monitor?.restartAfterFailures ?? 3,
        restarts_per_hour: monitor?.restartsPerHour ?? 3,
      },
      THRESHOLDS: thresholds(settings.thresholds),
      ENDPOINTS: {
        prometheus: settings.endpoints.prometheus,
        alertmanager: settings.endpoints.alertmanager,
        grafana: settings.endpoints.grafana,
      },
      DEPLOY: { first_model: firstModel },
    },
    ['Settings of this node, made from the inventory: a change here is undone by the next deployment.'],
  );
}

function paths(given: SettingsPaths): PythonValue {
  return {
    root: given.root,
    configs: given.configs,
    scripts: given.scripts,
    logs: given.logs,
    monitoring_logs: given.monitoringLogs,
    dashboards: given.dashboards,
    environment: given.environment,
    models_link: given.modelsLink,
    models_disk: given.modelsDisk,
    active: given.active,
    staging: given.staging,
    state: given.state,
    textfiles: given.textfiles,
    generations: given.generations,
  };
}

function model(given: SettingsModel): PythonValue {
  return {
    unit: given.unit,
    account: given.account,
    port: given.port,
    directory: given.directory,
    path: given.path,
    served_name: given.servedName,
    gpus: [...given.gpus].sort((a, b) => a - b),
    gpu_memory_utilization: float(given.gpuMemoryUtilization),
    start: given.start,
    load_timeout_sec: Math.ceil(given.loadTimeoutSec),
    weights_gib: float(given.weightsGiB),
    api_key_file: given.apiKeyFile,
    conflicts: [...given.conflicts].sort(),
    probe: given.probe,
  };
}

function units(given: NonNullable<NodeSettings['units']>): PythonValue {
  const { nodeExporter, ...all } = { ...UNITS, ...given };
  return { ...all, node_exporter: nodeExporter };
}

function backup(given: SettingsBackup): PythonValue {
  const retention = ({ keep, maxAgeSec }: SettingsRetention) => ({ keep, max_age_sec: Math.ceil(maxAgeSec) });
  return {
    directory: given.directory,
    metadata: `${given.directory}/backup_metadata.json`,
    daily: retention(given.daily),
    weekly: retention(given.weekly),
    monthly: retention(given.monthly),
    configs: retention(given.configs),
    verify: { max_age_sec: Math.ceil(given.verify.maxAgeSec) },
    cleanup_days: given.cleanupDays,
    archive_days: given.archiveDays,
    compression_level: given.compressionLevel ?? 3,
    config_sources: [...given.configSources].sort(),
  };
}

function thresholds(given: NodeSettings['thresholds']): PythonValue {
  const level = ({ warning, critical }: Level) => ({ warning: float(warning), critical: float(critical) });
  return {
    cpu_percent: level(given.cpuPercent),
    memory_percent: level(given.memoryPercent),
    disk_percent: level(given.diskPercent),
    gpu_temperature_celsius: level(given.gpuTemperatureCelsius),
    smart_used_percent: float(given.smartUsedPercent),
  };
}

/** Amounts are floats whatever they happen to be, so that a type does not change with a value. */
function float(value: number | null): PythonFloat | null {
  return value === null ? null : new PythonFloat(value);
}

function byPath<T extends { readonly path: string }>(list: readonly T[]): T[] {
  return [...list].sort(by(({ path }) => path));
}

function sortedEntries<T>(map: Readonly<Record<string, T>>): [string, T][] {
  return Object.entries(map).sort(byKey);
}
