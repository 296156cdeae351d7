import { posix } from 'node:path';
import type { HostInventory, Thresholds } from '../../inventory/index.js';
import './keys.js';
import type { AiInventory } from './schema/ai.js';
import type { BackupPlan } from './backup/index.js';
import type { StorageLayout } from './storage/index.js';
import { expectedMetrics } from './expected-metrics.js';
import { MODELS_GROUP } from './model-account.js';
import { gibibytes } from './model-props.js';
import type { ModelServices } from './model-services.js';
import { nodeSettings, type NodeSettings, type SettingsBackup, type SettingsModel } from './node-settings.js';

/** URLs of the monitoring server, as far as there is one. */
export interface NodeEndpoints {
  readonly prometheus?: string;
  readonly alertmanager?: string;
  readonly grafana?: string;
}

/** What an AI node knows about itself. */
export interface NodeFacts {
  /** The host's name. */
  readonly name: string;
  readonly inventory: HostInventory & { readonly ai: AiInventory };
  readonly thresholds: Thresholds;
  readonly endpoints: NodeEndpoints;
  readonly storage: StorageLayout;
  readonly models: ModelServices;
  readonly backups: BackupPlan | undefined;
  /** Where `*.prom` files go. */
  readonly textfiles: string;
}

/** The engine's record of what was deployed. */
const GENERATIONS = '/var/lib/citadel-iac';

/** What is copied every quarter of an hour, next to the settings: parts of /etc that this project writes to. */
const CONFIG_SOURCES = [
  '/etc/cron.d',
  '/etc/default/prometheus-node-exporter',
  '/etc/fstab',
  '/etc/logrotate.d',
  '/etc/nftables.conf',
  '/etc/polkit-1/rules.d',
  '/etc/sudoers.d',
  '/etc/systemd/system',
];

/** Seconds that a backup may be old where none is planned. */
const NEVER = 366 * 86_400;

/** `/opt/citadel/configs/storage_settings.py`. */
export function settingsText(facts: NodeFacts): string {
  const { inventory, storage, endpoints } = facts;
  const { ai } = inventory;
  const { root, active, state } = storage;
  const models = posix.dirname(active);
  const settings: NodeSettings = {
    node: {
      name: facts.name,
      address: inventory.address ?? '127.0.0.1',
      account: ai.account,
      readers: MODELS_GROUP,
    },
    paths: {
      root,
      configs: `${root}/configs`,
      scripts: `${root}/scripts`,
      logs: `${root}/logs`,
      monitoringLogs: `${root}/logs/monitoring`,
      dashboards: `${root}/monitoring/dashboards`,
      environment: ai.environment,
      modelsLink: `${root}/models`,
      modelsDisk: models,
      active,
      staging: `${models}/staging`,
      state,
      textfiles: facts.textfiles,
      generations: GENERATIONS,
    },
    mounts: Object.entries(inventory.mounts).map(([path, { device, type, sizeGiB }]) => ({
      path,
      source: device,
      type,
      sizeGiB: sizeGiB ?? null,
    })),
    directories: storage.directories,
    links: storage.links,
    gpus: ai.gpus.map(({ memoryGiB, powerLimitWatts }) => ({
      memoryGiB,
      powerLimitWatts: powerLimitWatts ?? null,
    })),
    models: modelsOf(facts),
    backup: backupOf(facts),
    thresholds: facts.thresholds,
    endpoints: {
      prometheus: endpoints.prometheus ?? null,
      alertmanager: endpoints.alertmanager ?? null,
      grafana: endpoints.grafana ?? null,
    },
    firstModel: Object.hasOwn(ai.models, ai.firstModel)
      ? ai.firstModel
      : (Object.keys(ai.models).sort()[0] ?? null),
  };
  return nodeSettings(settings);
}

/** `citadel-expected.prom`. */
export function expectedText({ inventory, backups }: NodeFacts): string {
  const { ai, mounts } = inventory;
  const ages = backups?.maxAges;
  return expectedMetrics({
    mounts: Object.keys(mounts),
    gpus: ai.gpus.length,
    gpuMemory: ai.gpus.map(({ memoryGiB }) => gibibytes(memoryGiB).toBytes()),
    models: Object.entries(ai.models)
      .filter(([, { start }]) => start === 'boot')
      .map(([name]) => name),
    backups:
      ages === undefined
        ? {}
        : {
            'models-daily': ages.daily.toSeconds(),
            'models-weekly': ages.weekly.toSeconds(),
            'models-monthly': ages.monthly.toSeconds(),
            configs: ages.configs.toSeconds(),
          },
    backedUp: ages === undefined ? [] : Object.keys(ai.models),
    ...(ages !== undefined && { verifyMaxAgeSec: ages.verify.toSeconds() }),
  });
}

function modelsOf({ inventory: { ai }, models, storage }: NodeFacts): Record<string, SettingsModel> {
  return Object.fromEntries(
    [...models.services].flatMap(([name, service]): [string, SettingsModel][] => {
      const model = ai.models[name];
      if (model === undefined) return [];
      return [
        [
          name,
          {
            unit: service.unitName,
            account: service.account,
            port: model.port,
            directory: model.directory,
            path: `${storage.active}/${model.directory}`,
            servedName: [model.servedName ?? name].flat()[0] ?? name,
            gpus: model.gpus,
            gpuMemoryUtilization: model.gpuMemoryUtilization ?? service.share,
            start: model.start,
            loadTimeoutSec: service.loadTimeout.toSeconds(),
            weightsGiB: model.weightsGiB,
            apiKeyFile: service.apiKeyFile ?? null,
            conflicts: opponentsOf(name, ai),
            probe: model.probe,
          },
        ],
      ];
    }),
  );
}

/** Models that cannot run next to `name`, whichever of the two says so. */
function opponentsOf(name: string, { models }: AiInventory): string[] {
  return Object.entries(models)
    .filter(([other, { conflicts }]) => conflicts.includes(name) || models[name]?.conflicts.includes(other))
    .map(([other]) => other);
}

function backupOf({ inventory: { backup }, backups, storage: { root } }: NodeFacts): SettingsBackup {
  const ages = backups?.maxAges;
  const copies = (type: 'daily' | 'weekly' | 'monthly') => ({
    keep: backup?.models[type].keep ?? 1,
    maxAgeSec: ages?.[type].toSeconds() ?? NEVER,
  });
  return {
    directory: backup?.directory ?? '/mnt/citadel-backup',
    daily: copies('daily'),
    weekly: copies('weekly'),
    monthly: copies('monthly'),
    configs: { keep: backup?.configs.keep ?? 1, maxAgeSec: ages?.configs.toSeconds() ?? NEVER },
    verify: { maxAgeSec: ages?.verify.toSeconds() ?? NEVER },
    cleanupDays: backup?.cleanup.olderThanDays ?? 30,
    archiveDays: backup?.archive.olderThanDays ?? 30,
    configSources: [...CONFIG_SOURCES, `${root}/configs`],
  };
}
