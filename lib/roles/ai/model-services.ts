import { Construct } from 'constructs';
import { addRule, Directory, SystemdUnit, UserGroup } from '../../constructs/host/index.js';
import type { Size } from '../../constructs/units.js';
import { byKey } from '../../text/order.js';
import { conflicting } from './gpu-budget.js';
import { modelProblems, type NamedModel } from './model-rules.js';
import { LanSide, type LanSettings } from './lan/index.js';
import { MODELS_GROUP } from './model-account.js';
import { ModelScripts } from './model-scripts.js';
import { ModelService, type ModelServiceProps } from './model-service.js';
import { secretVariables } from './service-environment.js';
import { defaultShare } from './vllm-version.js';

/** One model of {@link ModelServicesProps.models}; what is between models is filled in. */
export type ModelProps = Omit<
  ModelServiceProps,
  'partOf' | 'after' | 'dependsOn' | 'scripts' | 'wave' | 'lan'
>;

export interface ModelServicesProps {
  /** Memory of each GPU of the host, in the driver's order. */
  readonly gpus: readonly { readonly memory: Size }[];
  /** Models by name: a-z, 0-9 and `-`. */
  readonly models: Readonly<Record<string, ModelProps>>;
  /** How models with an address are reached there. @default {} */
  readonly lan?: LanSettings;
  /** Units that are started with each model and before it: disks and GPUs made ready. @default [] */
  readonly dependsOn?: readonly string[];
  /** Units that are started with the models and are not stopped with them: what watches them. @default [] */
  readonly wants?: readonly string[];
  /** Target that the models' own target is started and stopped with. @default - the machine (`multi-user.target`) */
  readonly partOf?: string;
  /** Share of each GPU's memory that no model may claim. @default 0.05 */
  readonly reserve?: number;
  /** @default 1 */
  readonly wave?: number;
}

/** Each process needs some memory of a GPU for its CUDA context, beyond what vLLM counts. */
const RESERVE = 0.05;
const GIBIBYTE = 1024 ** 3;

/**
 * All model services of a host, under `citadel-models.target`, and the GPU memory that they share. Starting, stopping and
 * restarting the target does so to the models that start at boot.
 */
export class ModelServices extends Construct {
  static readonly TARGET = 'citadel-models.target';

  readonly target: SystemdUnit;
  /** By name, sorted. */
  readonly services: ReadonlyMap<string, ModelService>;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: ModelServicesProps,
  ) {
    super(scope, id);
    const { wants = [], partOf, wave = 1 } = props;
    this.target = new SystemdUnit(this, 'target', {
      name: ModelServices.TARGET,
      unit: {
        Description: 'Citadel model services',
        ...(wants.length === 0 ? {} : { Wants: [...wants].sort() }),
        ...(partOf === undefined ? {} : { PartOf: partOf }),
      },
      install: { WantedBy: partOf ?? 'multi-user.target' },
      wave,
    });
    new UserGroup(this, 'readers', { name: MODELS_GROUP, system: true });
    const scripts = new ModelScripts(this, 'scripts');
    const services = new Map<string, ModelService>();
    const models = Object.entries(props.models).sort(byKey);
    const lan = this.addLanSide();
    for (const [index, [name, model]] of models.entries()) {
      const shared = models.slice(0, index).filter(([, other]) => shares(model, other));
      const opponents = models.filter(
        ([other, { conflicts = [] }]) =>
          other !== name &&
          conflicting({ name, conflicts: model.conflicts ?? [] }, { name: other, conflicts }),
      );
      const service = new ModelService(this, name, {
        ...model,
        // On both sides, so that each unit's file tells the whole truth.
        conflicts: opponents.map(([other]) => other),
        partOf: this.target,
        dependsOn: props.dependsOn ?? [],
        after: shared.map(([other]) => ModelService.unitName(other)),
        scripts,
        ...(lan === undefined || model.address === undefined
          ? {}
          : { lan: { unitName: lan.unitName, tls: props.lan?.tls !== undefined } }),
        wave,
      });
      services.set(name, service);
    }
    const hasSecrets = models.some(([, model]) => hasCredentials(model));
    if (hasSecrets || lan !== undefined) new Directory(this, 'configuration', { path: '/etc/citadel' });
    if (hasSecrets) {
      new Directory(this, 'credentials', { path: ModelService.CREDENTIALS, mode: '0700' });
    }
    this.services = services;
    addRule(this, () =>
      modelProblems({
        models: models.map(([name, model]) => named(name, model)),
        gpus: this.props.gpus.map(({ memory }) => ({ memoryGiB: memory.toBytes() / GIBIBYTE })),
        reserve: this.props.reserve ?? RESERVE,
        defaultShare: defaultShare(models.find(([, { vllmVersion }]) => vllmVersion)?.[1].vllmVersion),
      }),
    );
  }

  /** One for all models that are reached from elsewhere; none where none is. */
  private addLanSide(): LanSide | undefined {
    const { lan = {}, models, partOf, wave = 1 } = this.props;
    const reached = Object.entries(models).flatMap(([name, { address, port, apiKey }]) =>
      address === undefined
        ? []
        : [[name, { address, port, ...(apiKey === undefined ? {} : { apiKey }) }] as const],
    );
    if (reached.length === 0) return undefined;
    return new LanSide(this, 'lan', {
      ...lan,
      models: Object.fromEntries(reached),
      ...(partOf === undefined ? {} : { partOf }),
      wave,
    });
  }
}

function hasCredentials({
  apiKey,
  huggingFaceToken,
  variables = {},
  weightsAreFetched,
}: ModelProps): boolean {
  const own = (apiKey ?? huggingFaceToken) !== undefined || secretVariables(variables).length > 0;
  return own || weightsAreFetched?.hasToken === true;
}

function named(name: string, model: ModelProps): NamedModel {
  return { ...model, name, weightsGiB: (model.gpuWeights ?? model.weights).toBytes() / GIBIBYTE };
}

function shares(a: ModelProps, b: ModelProps): boolean {
  return a.gpus.some((gpu) => b.gpus.includes(gpu));
}
