import { Construct } from 'constructs';
import type { HostInventory, Thresholds } from '../../inventory/index.js';
import './keys.js';
import type { AiInventory } from './schema/ai.js';
import {
  addRule,
  AptPackage,
  Directory,
  Host,
  HostFile,
  SystemdUnit,
  type PortReach,
} from '../../constructs/host/index.js';
import { BackupPlan } from './backup/index.js';
import { NodeExporter } from '../../constructs/monitoring/node-exporter.js';
import { TemplateTree } from '../../constructs/operations/index.js';
import { LogRotation, OperatorAccess, SudoAccount } from './operations/index.js';
import { diskOf, mountSource, StorageLayout } from './storage/index.js';
import { NvidiaDriver } from './driver/nvidia-driver.js';
import { GpuSettings } from './gpu-settings.js';
import { MODELS_GROUP } from './model-account.js';
import { gibibytes, lanSettings, modelProps } from './model-props.js';
import { ModelScripts } from './model-scripts.js';
import { ModelService } from './model-service.js';
import { ModelServices } from './model-services.js';
import { expectedText, settingsText, type NodeEndpoints, type NodeFacts } from './node-facts.js';
import { NodeWatch } from './node-watch.js';
import { PythonEnvironment } from './python-environment.js';
import { StorageCheck } from './storage-check.js';
import { enginePackages } from './engine-packages.js';
import { pinnedVllm } from './vllm-version.js';
import { fetchedModels } from './weights/fetched-models.js';
import { FetchedWeights } from './weights/fetched-weights.js';
import type { LockedWeights } from './weights/lock-file.js';
import { lockProblems } from './weights/weights-rules.js';

export interface AiNodeProps {
  /** What the inventory says of the host. */
  readonly inventory: HostInventory & { readonly ai: AiInventory };
  /** Who may use the models. */
  readonly reach: PortReach;
  /** Hosts that ask the models for others, and watch their `/health`. @default [] */
  readonly gateways?: readonly Host[];
  /** Who may read the metrics. */
  readonly monitors: PortReach;
  /** Levels at which the node's own monitor warns. */
  readonly thresholds: Thresholds;
  /** The monitoring server. @default {} */
  readonly endpoints?: NodeEndpoints;
  /** Text of the requirements file that the inventory names as `ai.vllm.requirements`. @default - there is none */
  readonly requirements?: string;
  /** Text of the key that the inventory names as `ai.driver.key`. @default - there is none */
  readonly driverKey?: string;
  /** What weights that are fetched consist of. @default [] */
  readonly locked?: readonly LockedWeights[];
  /** Dashboards of the monitoring server, kept here by file name for people to import. @default {} */
  readonly dashboards?: Readonly<Record<string, string>>;
}

/** Unit of everything that makes the host an AI node. */
const TARGET = 'citadel-ai.target';
/** What all programs of the node read. */
const SETTINGS = '/opt/citadel/configs/storage_settings.py';
/** Folder of templates/ that mirrors this host. */
const TEMPLATES = 'ai-node';

/**
 * An AI node, whole, from its entry in the inventory: accounts, disks, Python environment, GPUs, model services, what watches
 * them, and the programs that people type. Each part is a construct of its own.
 *
 * `citadel-ai.target` starts and stops all of it; storage and GPUs come first, then the models one after another on each GPU.
 */
export class AiNode extends Construct {
  static readonly TARGET = TARGET;

  readonly storage: StorageLayout;
  readonly models: ModelServices;
  /** `undefined` where someone else makes the environment. */
  readonly environment: PythonEnvironment | undefined;
  /** `undefined` where nothing is backed up. */
  readonly backups: BackupPlan | undefined;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AiNodeProps,
  ) {
    super(scope, id);
    const { ai } = props.inventory;
    new SudoAccount(this, 'account', { name: ai.account, groups: ['adm', 'systemd-journal', MODELS_GROUP] });
    new OperatorAccess(this, 'operators', { account: ai.account, packageUnits: [NodeExporter.UNIT] });
    this.storage = this.addStorage();
    this.environment = this.addEnvironment();
    // Whoever made the environment: its engine compiles when it starts.
    for (const each of enginePackages(props.requirements ?? '')) new AptPackage(this, each);
    const driver = this.addDriver();
    const gpus = new GpuSettings(this, 'gpus', { gpus: ai.gpus, driver, partOf: TARGET });
    const programs = this.addPrograms([gpus.script.path, NvidiaDriver.SCRIPT, ...this.ownScripts()]);
    const library = [SETTINGS, ...programs.pathsBelow(`${this.storage.root}/lib`)];
    new StorageCheck(this, 'storage-check', {
      mounts: this.storage.disks.map(({ mountPoint }) => mountPoint),
      restartOn: library,
      partOf: TARGET,
    });
    this.models = this.addModels();
    this.addWeights();
    new NodeWatch(this, 'watch', {
      account: ai.account,
      ...(props.inventory.address === undefined ? {} : { address: props.inventory.address }),
      reach: props.monitors,
      textfiles: NodeExporter.TEXTFILES,
      apiKeyFiles: [...this.models.services.values()].flatMap(({ apiKeyFile }) => apiKeyFile ?? []),
      restartOn: library,
      partOf: TARGET,
    });
    new SystemdUnit(this, 'target', {
      name: TARGET,
      // An emergency stops timers as well; whoever starts the node again has them back.
      unit: { Description: 'Citadel AI node', Wants: ['citadel-drift.timer', 'citadel-smart.timer'] },
      install: { WantedBy: 'multi-user.target' },
      wave: 2,
    });
    new LogRotation(this, 'logs', { account: ai.account, directory: `${this.storage.root}/logs` });
    this.backups = this.addBackups();
    this.addSettings();
    this.addDashboards();
    addRule(this, () => lockProblems(ai.models, props.locked ?? []));
  }

  private addStorage(): StorageLayout {
    const { ai, mounts, backup } = this.props.inventory;
    // Programs of the account leave their results for the node exporter there; it comes with root's alone.
    new Directory(this, 'textfiles', { path: NodeExporter.TEXTFILES, group: ai.account, mode: '0775' });
    return new StorageLayout(this, 'storage', {
      account: ai.account,
      readers: MODELS_GROUP,
      disks: Object.entries(mounts).map(([mountPoint, { device, type, options, sizeGiB }]) => ({
        mountPoint,
        source: mountSource(device),
        type,
        options,
        ...(sizeGiB === undefined ? {} : { size: gibibytes(sizeGiB) }),
      })),
      active: ai.modelsDirectory,
      models: Object.fromEntries(
        Object.entries(ai.models).map(([name, { directory, weightsGiB }]) => [
          name,
          { directory, weights: gibibytes(weightsGiB) },
        ]),
      ),
      ...(backup === undefined ? {} : { backups: backup.directory }),
    });
  }

  private addEnvironment(): PythonEnvironment | undefined {
    const { environment, vllm } = this.props.inventory.ai;
    if (vllm === undefined) return undefined;
    return new PythonEnvironment(this, 'environment', {
      name: 'vllm',
      requirements: { file: vllm.requirements, text: this.props.requirements ?? '' },
      link: environment,
      program: 'bin/vllm',
      imports: 'vllm.engine.arg_utils',
      ...(vllm.wheels === undefined ? {} : { wheels: vllm.wheels }),
    });
  }

  private addDriver(): { readonly unitName: string; readonly ready: string } | undefined {
    const { driver, vllm } = this.props.inventory.ai;
    if (driver === undefined) return undefined;
    const { requirements, driverKey } = this.props;
    const { unitName } = new NvidiaDriver(this, 'driver', {
      driver,
      ...(driverKey === undefined ? {} : { key: driverKey }),
      ...(vllm === undefined || requirements === undefined
        ? {}
        : { requirements: { file: vllm.requirements, text: requirements } }),
    });
    return { unitName, ready: NvidiaDriver.READY };
  }

  /** Scripts that other constructs install. */
  private ownScripts(): string[] {
    return [...ModelScripts.PATHS, ...(this.environment === undefined ? [] : [this.environment.script.path])];
  }

  private addPrograms(except: readonly string[]): TemplateTree {
    const root = this.storage.root;
    return new TemplateTree(this, 'programs', {
      from: TEMPLATES,
      except,
      directories: [`${root}/lib`, `${root}/scripts`],
    });
  }

  private addModels(): ModelServices {
    const { ai, address } = this.props.inventory;
    const { environment } = this;
    const vllmVersion = pinnedVllm(this.props.requirements ?? '')?.version;
    return new ModelServices(this, 'models', {
      gpus: ai.gpus.map(({ memoryGiB }) => ({ memory: gibibytes(memoryGiB) })),
      models: Object.fromEntries(
        Object.entries(ai.models).map(([name, model]) => [
          name,
          modelProps(model, {
            ai,
            reach: this.modelReach(),
            address,
            environment,
            vllmVersion,
            driverIsReady: ai.driver === undefined ? undefined : NvidiaDriver.READY,
          }),
        ]),
      ),
      dependsOn: [
        StorageCheck.UNIT,
        GpuSettings.UNIT,
        ...(ai.driver === undefined ? [] : [NvidiaDriver.UNIT]),
        ...(environment === undefined ? [] : [environment.unitName]),
      ],
      lan: lanSettings(ai.lan, this.props.monitors, (this.props.gateways ?? []).length > 0),
      // Models never run unwatched.
      wants: [NodeWatch.MONITOR, NodeWatch.EXPORTER],
      partOf: TARGET,
    });
  }

  private modelReach(): PortReach {
    const { reach, gateways = [] } = this.props;
    return typeof reach === 'string' ? reach : [...reach, ...gateways];
  }

  private addWeights(): void {
    const { ai, mounts } = this.props.inventory;
    const models = fetchedModels(ai, this.props.locked ?? []);
    if (Object.keys(models).length === 0) return;
    new FetchedWeights(this, 'weights', {
      models,
      account: ai.account,
      active: this.storage.active,
      disks: Object.keys(mounts),
      credentials: ModelService.CREDENTIALS,
    });
  }

  private addBackups(): BackupPlan | undefined {
    const { ai, backup } = this.props.inventory;
    if (backup === undefined) return undefined;
    const weights = Object.values(ai.models).reduce((sum, { weightsGiB }) => sum + weightsGiB, 0);
    const size = diskOf(backup.directory, this.storage.disks)?.size;
    return new BackupPlan(this, 'backup', {
      account: ai.account,
      ...backup,
      weights: gibibytes(weights),
      ...(size === undefined ? {} : { diskSize: size }),
    });
  }

  private addSettings(): void {
    const facts: NodeFacts = {
      name: Host.of(this).hostName,
      inventory: this.props.inventory,
      thresholds: this.props.thresholds,
      endpoints: this.props.endpoints ?? {},
      storage: this.storage,
      models: this.models,
      backups: this.backups,
      textfiles: NodeExporter.TEXTFILES,
    };
    new HostFile(this, 'settings', { path: SETTINGS, content: () => settingsText(facts) });
    new HostFile(this, 'expected', {
      path: `${NodeExporter.TEXTFILES}/citadel-expected.prom`,
      content: () => expectedText(facts),
    });
  }

  private addDashboards(): void {
    for (const [name, content] of Object.entries(this.props.dashboards ?? {})) {
      const path = `${this.storage.root}/monitoring/dashboards/${name}`;
      new HostFile(this, `dashboard-${name}`, { path, content });
    }
  }
}
