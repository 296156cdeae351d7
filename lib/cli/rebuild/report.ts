import type { DataItem } from '../../engine/recovery/data.js';
import type { ModelWeights, Weights } from '../../engine/recovery/weights.js';
import type { Loss } from '../../site/recovery.js';
import type { Step, StepName } from './steps.js';

/** The recovery time objective: four hours from a bare machine to serving. */
export const OBJECTIVE_SEC = 4 * 3600;

export interface StepRecord extends Step {
  /** `already`: it was so. `failed`: this is where it stopped; what comes later is `not reached`. */
  readonly outcome: 'done' | 'already' | 'failed' | 'not reached';
  readonly seconds: number;
  readonly detail: string;
}

export interface RebuildReport {
  readonly host: string;
  /** `partly`: it works, but for what `notRebuilt` says of models. */
  readonly outcome: 'rebuilt' | 'partly' | 'failed';
  readonly seconds: number;
  readonly objectiveSec: number;
  readonly steps: readonly StepRecord[];
  readonly models: readonly (ModelWeights & { readonly ageSec: number | null })[];
  /** What came back from off-site. */
  readonly data: readonly (DataItem & { readonly ageSec: number | null })[];
  /** The oldest backup that something was brought back from in this run: what is newer is lost. `of`: a model, or a path. */
  readonly recoveryPoint: { readonly of: string; readonly ageSec: number } | null;
  /** Parts of what is kept off-site that the store no longer has whole. */
  readonly lostData: readonly Loss[];
  readonly lostModels: readonly Loss[];
  readonly losses: readonly Loss[];
  /** What is left to do for a person. */
  readonly todo: readonly string[];
}

export interface ReportInput {
  readonly host: string;
  readonly seconds: number;
  readonly steps: readonly StepRecord[];
  readonly weights: Weights | null;
  readonly data: readonly DataItem[];
  readonly lostData: readonly Loss[];
  /** Seconds since 1970. */
  readonly nowSec: number;
  readonly lostModels: readonly Loss[];
  readonly losses: readonly Loss[];
  readonly todo: readonly string[];
}

export function makeReport(input: ReportInput): RebuildReport {
  const { host, seconds, steps, lostModels, lostData, losses, todo, nowSec } = input;
  const aged = <T extends { readonly created: number | null }>(
    item: T,
  ): T & { readonly ageSec: number | null } => ({
    ...item,
    ageSec: item.created === null ? null : Math.max(0, Math.round(nowSec - item.created)),
  });
  const models = (input.weights?.models ?? []).map(aged);
  const data = input.data.map(aged);
  const failed = steps.some(({ outcome }) => outcome === 'failed');
  const ages = [
    ...models.flatMap(({ model: of, how, ageSec }) => (how === 'restored' ? [{ of, ageSec }] : [])),
    ...data.map(({ path: of, ageSec }) => ({ of, ageSec })),
  ].flatMap(({ of, ageSec }) => (ageSec === null ? [] : [{ of, ageSec }]));
  return {
    host,
    outcome: failed ? 'failed' : lostModels.length + lostData.length > 0 ? 'partly' : 'rebuilt',
    seconds,
    objectiveSec: OBJECTIVE_SEC,
    steps,
    models,
    data,
    recoveryPoint: ages.reduce<{ of: string; ageSec: number } | null>(
      (oldest, one) => (oldest === null || one.ageSec > oldest.ageSec ? one : oldest),
      null,
    ),
    lostModels,
    lostData,
    losses,
    todo,
  };
}

/** How one step ended. */
export interface StepEnd {
  readonly already?: boolean;
  readonly detail: string;
}

/** Runs steps one after the other and keeps their times. After a failure nothing more is run. */
export class Recorder {
  private readonly ended: StepRecord[] = [];

  constructor(
    private readonly steps: readonly Step[],
    private readonly now: () => number,
  ) {}

  /** Seconds that a step took before the recorder existed count too. */
  async run(name: StepName, work: () => Promise<StepEnd>, earlierSec = 0): Promise<void> {
    const step = this.steps.find((each) => each.name === name);
    if (step === undefined) return;
    const began = this.now();
    const seconds = (): number => earlierSec + (this.now() - began) / 1000;
    try {
      const { already, detail } = await work();
      this.ended.push({
        ...step,
        outcome: already === true ? 'already' : 'done',
        seconds: seconds(),
        detail,
      });
    } catch (error) {
      this.ended.push({ ...step, outcome: 'failed', seconds: seconds(), detail: '' });
      throw error;
    }
  }

  records(): StepRecord[] {
    const rest = this.steps.slice(this.ended.length);
    return [
      ...this.ended,
      ...rest.map((step): StepRecord => ({ ...step, outcome: 'not reached', seconds: 0, detail: '' })),
    ];
  }
}
