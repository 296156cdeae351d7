import type { OwnProblem } from '../../constructs/host/index.js';
import { GIB, gibibytes } from '../../text/size.js';
import { conflicting, gpuPeaks } from './gpu-budget.js';
import type { ModelServiceProps } from './model-service.js';

/** A service by name, with what the rules between services look at. */
export type NamedModel = { readonly name: string } & Pick<
  ModelServiceProps,
  'servedName' | 'aliases' | 'flags' | 'gpus' | 'gpuMemoryUtilization' | 'start' | 'conflicts'
> & { readonly weightsGiB: number };

/** Memory of a GPU, in GiB. */
export interface Gpu {
  readonly memoryGiB: number;
}

export interface ModelRules {
  readonly models: readonly NamedModel[];
  /** In the driver's order. */
  readonly gpus: readonly Gpu[];
  /** Share of a GPU's memory that no service may claim. */
  readonly reserve: number;
  /** What a service takes that says nothing. */
  readonly defaultShare: number;
}

/** Names that other units or the words of `citadel start …` have; backups add the letters of their file names. */
const RESERVED = [
  'ai',
  'all',
  'exporter',
  'gpu',
  'lan',
  'metrics',
  'metrics-exporter',
  'models',
  'monitor',
  'storage',
];
const ARCHIVE_SUFFIX = '.tar.zst';

/** Everything that is wrong between the models of one host. */
export function modelProblems(rules: ModelRules): OwnProblem[] {
  return [
    ...names(rules.models),
    ...servedNames(rules.models),
    ...conflicts(rules.models),
    ...unknownGpus(rules),
    ...missingShares(rules),
    ...overBudget(rules),
    ...weights(rules),
  ];
}

function names(models: readonly NamedModel[]): OwnProblem[] {
  return models.flatMap(({ name }) => {
    const problems: OwnProblem[] = [];
    if (RESERVED.includes(name)) {
      problems.push({
        code: 'construct.model.name-reserved',
        property: name,
        got: `citadel-${name} is the name of another unit of this host`,
        fix: 'Call the model something else',
      });
    }
    if (ARCHIVE_SUFFIX.includes(name)) {
      problems.push({
        code: 'construct.model.name-in-name',
        property: name,
        got: `"*${name}*" finds the backups of every model, whose names end in "${ARCHIVE_SUFFIX}"`,
        fix: 'Choose a longer name',
      });
    }
    for (const other of models.filter((model) => model.name !== name && model.name.includes(name))) {
      problems.push({
        code: 'construct.model.name-in-name',
        property: name,
        got: `the name is part of "${other.name}", so "*${name}*" finds the backups of both`,
        fix: 'Rename one of them',
      });
    }
    return problems;
  });
}

/** The first name is the label of its metrics; a name that means two models on one host is a trap for who asks. */
function servedNames(models: readonly NamedModel[]): OwnProblem[] {
  return models.flatMap((model, index) => {
    const own = allNames(model);
    const twice = own.find((name, at) => own.indexOf(name) < at);
    const found: OwnProblem[] =
      twice === undefined
        ? []
        : [
            {
              code: 'construct.model.served-name',
              property: `${model.name}.servedName`,
              got: `"${twice}" names two things of this model`,
              fix: 'Give each served name and adapter a name of its own',
            },
          ];
    for (const before of models.slice(0, index)) {
      const served = allNames(before).find((name) => own.includes(name));
      if (served === undefined) continue;
      found.push({
        code: 'construct.model.served-name',
        property: `${model.name}.servedName`,
        got: `"${served}" is the served name of ${before.name} as well, and their metrics would merge`,
        fix: 'Give one of them another servedName',
      });
      break;
    }
    return found;
  });
}

function allNames({ name, servedName = name, aliases = [], flags = {} }: NamedModel): string[] {
  return [servedName, ...aliases, ...Object.keys(flags.loraModules ?? {})];
}

function conflicts(models: readonly NamedModel[]): OwnProblem[] {
  return models.flatMap((model, index) => [
    ...(model.conflicts ?? []).flatMap((name) =>
      name !== model.name && models.some((other) => other.name === name)
        ? []
        : [
            {
              code: 'construct.model.conflict-unknown',
              property: `${model.name}.conflicts`,
              got:
                name === model.name ? 'a model cannot conflict with itself' : `there is no model "${name}"`,
              fix: 'Name another model of this host',
            },
          ],
    ),
    ...models.slice(0, index).flatMap((other) => {
      const [both] = [model, other].filter(({ start = 'boot' }) => start !== 'boot');
      if (both !== undefined || !conflicting(conflicted(model), conflicted(other))) return [];
      return [
        {
          code: 'construct.model.conflict-boot',
          property: `${model.name}.conflicts`,
          got: `${other.name} and ${model.name} conflict, and both start at boot: one would stop the other`,
          fix: 'Set one of them to start: manual',
        },
      ];
    }),
  ]);
}

function unknownGpus({ models, gpus }: ModelRules): OwnProblem[] {
  return models.flatMap(({ name, gpus: wanted }) =>
    wanted
      .filter((gpu) => gpus[gpu] === undefined)
      .map((gpu) => ({
        code: 'construct.gpu.unknown',
        property: `${name}.gpus`,
        got: `the host has no GPU ${gpu}: it has ${gpus.length}, numbered from 0`,
        fix: 'Name one that it has',
      })),
  );
}

function missingShares({ models }: ModelRules): OwnProblem[] {
  return models
    .filter(({ gpuMemoryUtilization }) => gpuMemoryUtilization === undefined)
    .flatMap((model) => {
      const neighbours = models.filter(
        (other) =>
          other !== model &&
          other.gpus.some((gpu) => model.gpus.includes(gpu)) &&
          !conflicting(conflicted(model), conflicted(other)),
      );
      const [first] = neighbours;
      if (first === undefined) return [];
      const gpu = model.gpus.find((own) => first.gpus.includes(own)) ?? 0;
      return [
        {
          code: 'construct.gpu.share-missing',
          property: `${model.name}.gpuMemoryUtilization`,
          got: `is missing, and ${model.name} shares GPU ${gpu} with ${neighbours.map(({ name }) => name).join(', ')}`,
          fix: 'Say what share of its memory the model may take',
        },
      ];
    });
}

/** A share that is missing on a shared GPU is one problem; that the sum is too large because of it is not another. */
function overBudget({ models, reserve, defaultShare }: ModelRules): OwnProblem[] {
  const most = Math.round((1 - reserve) * 1e6) / 1e6;
  const claims = models.map((model) => ({
    ...conflicted(model),
    gpus: model.gpus,
    share: model.gpuMemoryUtilization ?? defaultShare,
    given: model.gpuMemoryUtilization !== undefined,
  }));
  return gpuPeaks(claims).flatMap((peak) => {
    const unsaid = peak.claims.some(({ name }) =>
      claims.some((claim) => claim.name === name && !claim.given),
    );
    if (peak.total <= most || (unsaid && peak.claims.length > 1)) return [];
    const list = peak.claims.map(({ name, share }) => `${name} ${share}`).join(' + ');
    return [
      {
        code: 'construct.gpu.over-budget',
        property: 'gpuMemoryUtilization',
        got: `GPU ${peak.gpu} is asked for ${peak.total.toFixed(2)} of its memory by models that may run together (${list})`,
        fix: `Keep the sum at or below ${most.toFixed(2)}, move a model to another GPU, or let models that need not run together conflict`,
      },
    ];
  });
}

function weights({ models, gpus, defaultShare }: ModelRules): OwnProblem[] {
  return models.flatMap(({ name, weightsGiB, gpus: own, gpuMemoryUtilization = defaultShare }) => {
    const each = weightsGiB / own.length;
    const small = own.find((gpu) => each > (gpus[gpu]?.memoryGiB ?? Infinity) * gpuMemoryUtilization);
    const memory = small === undefined ? undefined : gpus[small]?.memoryGiB;
    if (memory === undefined) return [];
    const room = `${gibibytes(gpuMemoryUtilization * memory * GIB, 2)} GiB (${gpuMemoryUtilization} of ${memory})`;
    return [
      {
        code: 'construct.gpu.weights',
        property: `${name}.gpuMemoryUtilization`,
        got: `weights of ${gibibytes(each * GIB, 2)} GiB per GPU do not fit into ${room} of GPU ${small ?? 0}`,
        fix: 'Give it a larger share or more GPUs, or quantise the weights',
      },
    ];
  });
}

function conflicted({ name, conflicts: given = [] }: NamedModel) {
  return { name, conflicts: given };
}
