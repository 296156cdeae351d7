import { order } from '../../text/order.js';

/** What is asked of a model; how it shares its GPUs is worked out. */
export interface NewModel {
  readonly name: string;
  /** Folder of the weights. */
  readonly directory: string;
  readonly weightsGiB: number;
  /** Numbers of GPUs; empty: where most room is left. */
  readonly gpus: readonly number[];
}

export interface PlacedModel extends NewModel {
  readonly gpuMemoryUtilization: number;
}

/** Part of a GPU's memory that is given away; the rest is for what vLLM does not count. */
const GIVEN = 0.95;
/** GiB that a model needs next to its weights at the least, for activations and a small key-value cache. */
const BESIDE_WEIGHTS = 2;

/** A model that fits nowhere, and by how much. */
export class DoesNotFit {
  constructor(
    readonly gpu: number,
    readonly needed: number,
    readonly given: number,
  ) {}
}

/**
 * Every model on its GPUs with a share of their memory: its weights, and of what is left over as much as every other.
 * Shares are rounded down to hundredths.
 */
export function placeModels(
  models: readonly NewModel[],
  gpus: readonly number[],
): PlacedModel[] | DoesNotFit {
  const placed = withGpus(models, gpus);
  const spare = gpus.map((memory, gpu) => {
    const here = placed.filter((model) => model.gpus.includes(gpu));
    const weights = here.reduce((sum, model) => sum + model.weightsGiB / model.gpus.length, 0);
    return { weights, count: here.length, each: (memory * GIVEN - weights) / Math.max(here.length, 1) };
  });
  for (const [gpu, { weights, count, each }] of spare.entries()) {
    if (count > 0 && each < BESIDE_WEIGHTS)
      return new DoesNotFit(gpu, round(weights + count * BESIDE_WEIGHTS), round((gpus[gpu] ?? 0) * GIVEN));
  }
  return placed.map((model) => {
    const shares = model.gpus.map(
      (gpu) => (model.weightsGiB / model.gpus.length + (spare[gpu]?.each ?? 0)) / (gpus[gpu] ?? 1),
    );
    return { ...model, gpuMemoryUtilization: Math.floor(Math.min(...shares) * 100 + 1e-6) / 100 };
  });
}

/** The heaviest first, each to the GPU with the most room. */
function withGpus(models: readonly NewModel[], gpus: readonly number[]): NewModel[] {
  const room = [...gpus];
  const take = (model: NewModel): void =>
    model.gpus.forEach((gpu) => (room[gpu] = (room[gpu] ?? 0) - model.weightsGiB / model.gpus.length));
  models.forEach(take);
  const chosen = new Map<string, NewModel>();
  for (const model of [...models].sort((a, b) => b.weightsGiB - a.weightsGiB || order(a.name, b.name))) {
    if (model.gpus.length > 0) continue;
    const placed = { ...model, gpus: [room.indexOf(Math.max(...room))] };
    chosen.set(model.name, placed);
    take(placed);
  }
  return models.map((model) => chosen.get(model.name) ?? model);
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
