import { describe, expect, it } from 'vitest';
import type { ExtraArgument, ModelProps } from '../../../lib/roles/ai/index.js';
import { Duration, Size } from '../../../lib/constructs/index.js';
import { problemsOf } from '../../constructs/host/support.js';
import { model, shareless, withModels } from './support.js';

const ROOT = 'ai-node/host/models';

/** One case per rule: what is wrong, the models, and the whole message. */
const REFUSED: readonly (readonly [
  name: string,
  models: Readonly<Record<string, ModelProps>>,
  messages: readonly string[],
])[] = [
  [
    'a port taken twice',
    { mixtral: model(), phi3: model() },
    [
      `[${ROOT}/phi3/port] number: 11400/tcp is taken by ${ROOT}/mixtral/port. Give one of them another port.`,
    ],
  ],
  [
    'more memory than a GPU has',
    {
      mixtral: model({ gpuMemoryUtilization: 0.5 }),
      phi3: model({ port: 11403, gpuMemoryUtilization: 0.46 }),
    },
    [
      `[${ROOT}] gpuMemoryUtilization: GPU 0 is asked for 0.96 of its memory by models that may run together (mixtral 0.5 + phi3 0.46). ` +
        'Keep the sum at or below 0.95, move a model to another GPU, or let models that need not run together conflict.',
    ],
  ],
  [
    'a share missing on a shared GPU',
    { mixtral: model(), phi3: shareless({ port: 11403 }) },
    [
      `[${ROOT}] phi3.gpuMemoryUtilization: is missing, and phi3 shares GPU 0 with mixtral. Say what share of its memory the model may take.`,
    ],
  ],
  [
    'more GPUs than the host has',
    { mixtral: model({ gpus: [1, 2] }) },
    [`[${ROOT}] mixtral.gpus: the host has no GPU 2: it has 2, numbered from 0. Name one that it has.`],
  ],
  [
    'a split over another number of GPUs',
    { mixtral: model({ gpus: [0, 1], tensorParallel: 4 }) },
    [
      `[${ROOT}/mixtral] tensorParallel: 4 is not the number of its GPUs, 2 (0, 1). Give it as many GPUs as it is split over, or leave tensorParallel out.`,
    ],
  ],
  [
    'one GPU named twice',
    { mixtral: model({ gpus: [1, 1] }) },
    [`[${ROOT}/mixtral] gpus: a GPU stands in the list twice (1, 1). Name each once.`],
  ],
  [
    'a served name used twice',
    { mixtral: model({ servedName: 'chat' }), phi3: model({ port: 11403, gpus: [1], servedName: 'chat' }) },
    [
      `[${ROOT}] phi3.servedName: "chat" is the served name of mixtral as well, and their metrics would merge. Give one of them another servedName.`,
    ],
  ],
  [
    'a name that is part of another',
    { phi: model(), phi3: model({ port: 11403, gpus: [1] }) },
    [`[${ROOT}] phi: the name is part of "phi3", so "*phi*" finds the backups of both. Rename one of them.`],
  ],
  [
    'a name that every backup has in it',
    { tar: model() },
    [
      `[${ROOT}] tar: "*tar*" finds the backups of every model, whose names end in ".tar.zst". Choose a longer name.`,
    ],
  ],
  [
    'the name of another unit',
    { monitor: model() },
    [
      `[${ROOT}] monitor: citadel-monitor is the name of another unit of this host. Call the model something else.`,
    ],
  ],
  [
    'weights that do not fit',
    { mixtral: model({ weights: Size.gibibytes(87), gpus: [0, 1], gpuMemoryUtilization: 0.5 }) },
    [
      `[${ROOT}] mixtral.gpuMemoryUtilization: weights of 43.5 GiB per GPU do not fit into 40 GiB (0.5 of 80) of GPU 0. ` +
        'Give it a larger share or more GPUs, or quantise the weights.',
    ],
  ],
  [
    'two models at boot that cannot run together',
    { mixtral: model({ conflicts: ['phi3'] }), phi3: model({ port: 11403, gpus: [1] }) },
    [
      `[${ROOT}] phi3.conflicts: mixtral and phi3 conflict, and both start at boot: one would stop the other. Set one of them to start: manual.`,
    ],
  ],
  [
    'a conflict with no one',
    { mixtral: model({ conflicts: ['phi4', 'mixtral'] }) },
    [
      `[${ROOT}] mixtral.conflicts: a model cannot conflict with itself. Name another model of this host.`,
      `[${ROOT}] mixtral.conflicts: there is no model "phi4". Name another model of this host.`,
    ],
  ],
  [
    'code that may change after its review',
    { mixtral: model({ trustRemoteCode: { reason: 'reviewed', revision: 'main' } }) },
    [
      `[${ROOT}/mixtral] trustRemoteCode.revision: "main" can become other code than what was reviewed. Give the commit, 40 hexadecimal digits.`,
    ],
  ],
];

/** Arguments that are refused → what is said of them. */
const FLAGS: readonly (readonly [argument: ExtraArgument, message: string])[] = [
  [
    { flag: '--disable-log-stats' },
    '--disable-log-stats removes every vllm:* metric, and with them the dashboards and alerts. Take it out; --disable-uvicorn-access-log makes the log quieter.',
  ],
  [
    { flag: '--trust-remote-code' },
    '--trust-remote-code runs Python code that comes with the weights, as the service’s account. Give trustRemoteCode with a reason and the reviewed commit.',
  ],
  [
    { flag: '--preemption-mode', value: 'swap' },
    '--preemption-mode is retired: vLLM has had none since before 0.13. Take it out.',
  ],
  [
    { flag: '--show-hidden-metrics-for-version', value: '0.22' },
    '--show-hidden-metrics-for-version is retired: it brings back metrics that the next version removes. Use the new names of the metrics.',
  ],
  [{ flag: '--port', value: 1 }, '--port is set by the service itself. Give it as port.'],
  [
    { flag: '--no-enforce-eager' },
    '--no-enforce-eager is set by the service itself. Give it as flags.enforceEager.',
  ],
  [{ flag: '-tp', value: 2 }, '-tp is set by the service itself. Give it as gpus.'],
  [
    { flag: '--gpu_memory', value: 1 },
    '--gpu_memory is short for --gpu-memory-utilization, which the service sets itself. Give it as gpuMemoryUtilization.',
  ],
  [
    { flag: '--limit-mm-per-prompt.image', value: 1 },
    '--limit-mm-per-prompt.image is set by the service itself. Give it as flags.limitMmPerPrompt.',
  ],
  [
    { flag: '--seed=1' },
    '"--seed=1" is not one flag. Give the flag alone, as --seed, and what comes after it as value.',
  ],
  [
    { flag: '--custom-histogram-buckets', value: '{"vllm:time_per_output_token_seconds":[1]}' },
    'vllm:time_per_output_token_seconds is a retired metric. It is called vllm:inter_token_latency_seconds now.',
  ],
];

describe('models', () => {
  it.each(REFUSED)('with %s are refused', (_name, models, messages) => {
    expect(problemsOf(withModels(models))).toEqual(messages);
  });

  it.each(FLAGS)('with the argument $flag are refused', (argument, message) => {
    const mixtral = model({ flags: { extraArguments: [argument] } });
    expect(problemsOf(withModels({ mixtral }))).toEqual([
      `[${ROOT}/mixtral] flags.extraArguments[0]: ${message}`,
    ]);
  });

  it('with one argument twice are refused', () => {
    const mixtral = model({
      flags: {
        extraArguments: [
          { flag: '--seed', value: 1 },
          { flag: '--seed', value: 2 },
        ],
      },
    });
    expect(problemsOf(withModels({ mixtral }))).toEqual([
      `[${ROOT}/mixtral] flags.extraArguments[1]: --seed stands here twice. Keep one of them.`,
    ]);
  });

  it('that ask for exactly what there is are taken, whatever the sum of fractions is', () => {
    const shares = [0.38, 0.38, 0.19];
    const models = shares.map((gpuMemoryUtilization, index) => [
      `model${index}`,
      model({ port: 11400 + index, gpuMemoryUtilization }),
    ]);
    expect(problemsOf(withModels(Object.fromEntries(models) as Record<string, ModelProps>))).toEqual([]);
  });

  it('that never run together may have the same memory', () => {
    const heavy = { gpuMemoryUtilization: 0.9 };
    const models = {
      mixtral: model(heavy),
      hermes: model({ ...heavy, port: 11401, start: 'manual', conflicts: ['mixtral'] }),
    };
    expect(problemsOf(withModels(models))).toEqual([]);
  });

  it('say everything at once', () => {
    const models = {
      monitor: model({ gpus: [7] }),
      tar: model({ gpus: [1], loadTimeout: Duration.minutes(1) }),
    };
    expect(problemsOf(withModels(models))).toHaveLength(4);
  });
});
