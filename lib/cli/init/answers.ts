import { CitadelError, type Problem } from '../../manifest/index.js';
import { parseNetwork, RenderError } from '../../render/index.js';
import { DoesNotFit, placeModels, type NewModel, type PlacedModel } from './shares.js';

/** What was said on the command line, or in answer to questions; text as it was typed. */
export interface RawAnswers {
  readonly aiNode?: string | undefined;
  readonly devOps?: string | undefined;
  readonly operator?: readonly string[] | undefined;
  readonly user?: string | undefined;
  /** GiB of each GPU. */
  readonly gpu?: readonly string[] | undefined;
  /** `NAME=FOLDER:GIB[@GPU,…]` */
  readonly model?: readonly string[] | undefined;
  readonly modelsDisk?: string | undefined;
  readonly backupDisk?: string | undefined;
  readonly grafana?: string | undefined;
}

export interface Answers {
  readonly aiNode?: {
    readonly address: string;
    readonly gpus: readonly number[];
    readonly models: readonly PlacedModel[];
    readonly modelsDisk: string;
    readonly backupDisk: string;
  };
  readonly devOps?: {
    readonly address: string;
    /** Path of Grafana's package on the host. */
    readonly grafana?: string;
  };
  readonly operators: readonly string[];
  readonly user: string;
}

export const MODEL_FORM = 'NAME=FOLDER:GIB[@GPU,…], for example phi3=Phi-3-mini-128k-instruct:7.2@0';
export const DISKS = { models: 'LABEL=citadel-models', backup: 'LABEL=citadel-backup' } as const;

const ADDRESS_FIX = 'Give the address itself, such as 192.168.10.35: firewalls do not look up names.';

/** Whether it is the address of one machine: firewalls of the others are to know it. */
export function isAddress(text: string): boolean {
  try {
    parseNetwork(text, 'address');
  } catch (error) {
    if (error instanceof RenderError) return false;
    throw error;
  }
  return !text.includes('/');
}

/** The inventory's own rules say the rest about each value, with the line it would stand in. @throws CitadelError */
export function readAnswers(raw: RawAnswers): Answers {
  const problems: Problem[] = missingAnswers(raw);
  const say = (flag: string, got: string, fix: string): void =>
    void problems.push({ code: 'cli.init.answer', path: flag, got, fix });
  for (const [flag, address] of [
    ['--ai-node', raw.aiNode],
    ['--dev-ops', raw.devOps],
  ] as const) {
    if (address !== undefined && !isAddress(address))
      say(flag, `"${address}" is not an IP address`, ADDRESS_FIX);
  }
  const gpus = (raw.gpu ?? []).map((text) => {
    const memory = Number(text);
    if (!(memory > 0))
      say('--gpu', `"${text}" is not a number of GiB`, 'Give the memory of one GPU, such as 80.');
    return memory;
  });
  const models = (raw.model ?? []).flatMap((text) => {
    const model = readModel(text);
    if (model === undefined) say('--model', `"${text}" is not a model`, `Write ${MODEL_FORM}.`);
    return model ?? [];
  });
  for (const { name, gpus: own } of models) {
    for (const gpu of own.filter((number) => number >= gpus.length))
      say(
        '--model',
        `${name} is to run on GPU ${gpu}, and there are ${gpus.length}`,
        'Count from 0, in the order of --gpu.',
      );
  }
  const twice = models.map(({ name }) => name).find((name, index, all) => all.indexOf(name) !== index);
  if (twice !== undefined) say('--model', `${twice} is named twice`, 'Give each model a name of its own.');
  const placed = problems.length === 0 && raw.aiNode !== undefined ? placeModels(models, gpus) : [];
  if (placed instanceof DoesNotFit) {
    say(
      '--model',
      `the models on GPU ${placed.gpu} need ${placed.needed} GiB, and ${placed.given} can be given away`,
      'Put one of them on another GPU (@GPU), or leave one out.',
    );
  }
  if (problems.length > 0 || placed instanceof DoesNotFit) throw new CitadelError(problems);
  return {
    ...(raw.aiNode !== undefined && {
      aiNode: {
        address: raw.aiNode,
        gpus,
        models: placed,
        modelsDisk: raw.modelsDisk ?? DISKS.models,
        backupDisk: raw.backupDisk ?? DISKS.backup,
      },
    }),
    ...(raw.devOps !== undefined && {
      devOps: { address: raw.devOps, ...(raw.grafana !== undefined && { grafana: raw.grafana }) },
    }),
    operators: raw.operator ?? [],
    user: raw.user ?? '',
  };
}

/** What must be said and was not, all at once. */
export function missingAnswers(raw: RawAnswers): Problem[] {
  const missing: Problem[] = [];
  const need = (flag: string, what: string): void =>
    void missing.push({
      code: 'cli.init.missing',
      path: flag,
      got: `${what} was not said`,
      fix: `Add ${flag}, or run the command on a terminal to be asked.`,
    });
  if (raw.aiNode === undefined && raw.devOps === undefined)
    need('--ai-node ADDRESS or --dev-ops ADDRESS', 'which hosts there are');
  if ((raw.operator ?? []).length === 0) need('--operator ADDRESS', 'where people work from');
  if (raw.user === undefined) need('--user NAME', 'the account to log in as');
  if (raw.aiNode !== undefined && (raw.gpu ?? []).length === 0)
    need('--gpu GIB', 'what GPUs the AI node has');
  if (raw.aiNode !== undefined && (raw.model ?? []).length === 0)
    need('--model NAME=FOLDER:GIB', 'which models the AI node serves');
  return missing;
}

export function readModel(text: string): NewModel | undefined {
  const [, name, directory, weights, gpus] =
    /^([a-z][a-z0-9-]{0,30})=([A-Za-z0-9][A-Za-z0-9._-]{0,126}):(\d+(?:\.\d+)?)(?:@(\d{1,2}(?:,\d{1,2})*))?$/.exec(
      text,
    ) ?? [];
  if (name === undefined || directory === undefined || !(Number(weights) > 0)) return undefined;
  return { name, directory, weightsGiB: Number(weights), gpus: gpus?.split(',').map(Number) ?? [] };
}
