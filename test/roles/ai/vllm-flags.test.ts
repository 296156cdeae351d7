import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VLLM_FLAGS } from '../../../lib/roles/ai/generated/vllm-flags.js';
import type { ExtraArgument, ModelProps } from '../../../lib/roles/ai/index.js';
import { Duration, secret } from '../../../lib/constructs/index.js';
import { manifestOf, problemsOf } from '../../constructs/host/support.js';
import { model, withModels } from './support.js';

const RECORDINGS = join(import.meta.dirname, '../../doubles/recordings');
const PATH = '[ai-node/host/models/mixtral]';

/** What the real program's `vllm serve --help=all` lists: long flag → what comes after it. */
function helpOf(version: string): Map<string, string> {
  const found = new Map<string, string>();
  for (const line of readFileSync(join(RECORDINGS, `vllm-${version}-help.txt`), 'utf8').split('\n')) {
    const names = [...line.matchAll(/(?:^|, )(-[-\w]+)/g)].map(([, name = '']) => name);
    const after = line.replace(/.*(?:^|, )-[-\w]+/, '').trim();
    const longs = names.filter((name) => name.startsWith('--'));
    const switches = longs.some((name) => longs.includes(name.replace('--', '--no-')));
    // A list in brackets and quotes is the name that argparse gives to choices.
    const named = after.replace(/\['.*'\]/, 'CHOICE');
    const kind = switches
      ? 'switch'
      : named === ''
        ? 'on'
        : named.includes('...]')
          ? 'list'
          : named.startsWith('[')
            ? 'optional'
            : 'value';
    for (const name of longs)
      if (name !== '--help' && !(switches && name.startsWith('--no-'))) found.set(name, kind);
  }
  return found;
}

function tableOf(minor: number): Map<string, string> {
  const number = (text: string | undefined) => Number(text?.split('.')[1] ?? 99);
  return new Map(
    Object.entries(VLLM_FLAGS).flatMap(([flag, spans]): [string, string][] => {
      const span = spans.find(([, since, until]) => number(since) <= minor && minor <= number(until));
      return span === undefined ? [] : [[flag, span[0] === 'append' ? 'value' : span[0]]];
    }),
  );
}

function unitOf(manifest: ReturnType<typeof manifestOf>, name: string): string {
  const file = manifest.files?.[`/etc/systemd/system/${name}`];
  const text = file !== undefined && 'content' in file ? String(file.content) : '';
  // Lines as systemd joins them.
  return text.replaceAll(/ \\\n +/g, ' ');
}

function said(props: Partial<ModelProps>): string[] {
  return problemsOf(withModels({ mixtral: model(props) })).map((text) => text.replace(`${PATH} `, ''));
}

function saidOf(argument: ExtraArgument, vllmVersion: string): string[] {
  return said({ vllmVersion, flags: { extraArguments: [argument] } }).map((text) =>
    text.replace('flags.extraArguments[0]: ', ''),
  );
}

describe('the table of flags', () => {
  it.each(['0.20.2', '0.32.0'])('is what the real vLLM %s says of itself', (version) => {
    const real = helpOf(version);
    expect(real.size).toBeGreaterThan(200);
    expect(new Map([...tableOf(Number(version.split('.')[1]))].sort())).toEqual(new Map([...real].sort()));
  });
});

/** Flags that went before 0.13, and what each ended a start with on the host. */
const GONE = [
  '--num-scheduler-steps',
  '--multi-step-stream-outputs',
  '--enable-reasoning',
  '--max-seq-len-to-capture',
  '--guided-decoding-backend',
  '--rope-scaling',
  '--rope-theta',
  '--speculative-model',
  '--num-speculative-tokens',
  '--scheduler-delay-factor',
  '--num-lookahead-slots',
  '--enable-prompt-adapter',
  '--disable-async-output-proc',
  '--cuda-graph-sizes',
  '--task',
];

describe('a flag', () => {
  it.each(GONE)('%s is refused as retired', (flag) => {
    const [message = ''] = saidOf({ flag, value: '1' }, '0.32.0');
    expect(message).toContain(`${flag} is retired`);
  });

  it.each([
    [
      { flag: '--swap-space', value: 4 },
      '0.32.0',
      '--swap-space is not in vLLM 0.32.0, which the requirements pin: vLLM 0.13 to 0.17 has it. Take it out: the present engine swaps nothing.',
    ],
    [
      { flag: '--kda-decode-backend', value: 'auto' },
      '0.20.2',
      '--kda-decode-backend is not in vLLM 0.20.2, which the requirements pin: vLLM from 0.30 has it. Take it out, or pin a release that has it.',
    ],
    [
      { flag: '--enforce-eagr' },
      '0.32.0',
      '--enforce-eagr is no flag of vLLM 0.32.0. Did you mean --enforce-eager?',
    ],
    [
      { flag: '--not-a-flag-of-vllm' },
      '0.32.0',
      '--not-a-flag-of-vllm is no flag of vLLM 0.32.0. See "vllm serve --help=all" of that version.',
    ],
    [
      { flag: '--see', value: 1 },
      '0.32.0',
      '--see is short for --seed, which another release may read otherwise. Write --seed.',
    ],
    [
      { flag: '--async' },
      '0.32.0',
      '--async is short for --async-scheduling, which another release may read otherwise. Write --async-scheduling.',
    ],
    [
      { flag: '--enable-log' },
      '0.32.0',
      '--enable-log can be short for --enable-log-deltas, --enable-log-outputs, --enable-log-requests, --no-enable-log-deltas and others. Write the flag whole.',
    ],
    [
      { flag: '--async-scheduling', value: 1 },
      '0.32.0',
      '--async-scheduling takes no value. Take the value out.',
    ],
    [{ flag: '--seed' }, '0.32.0', '--seed needs a value. Give it as value.'],
    [{ flag: '--seed', value: [1, 2] }, '0.32.0', '--seed takes one value. Give one.'],
  ] as const)('%j is refused for vLLM %s', (argument, version, message) => {
    const given = saidOf(argument, version);
    if (message.includes('and others')) {
      expect(given[0]).toContain('--enable-log can be short for --enable-log');
      expect(given[0]).toContain('Write the flag whole.');
    } else expect(given).toEqual([message]);
  });

  it.each([
    '--grpc',
    '--headless',
    '--nnodes',
    '-n',
    '--nnod',
    '--node-rank',
    '--master-addr',
    '--device-ids',
    '--middleware',
    '--data-parallel-size-local',
    '-dpl',
    '--data-parallel-rank',
    '--data-parallel-external-lb',
    '--prefill-context-parallel-size',
    '--enable-elastic-ep',
  ])('%s is refused, since it takes the server out of what is known', (flag) => {
    const [message = ''] = saidOf({ flag, value: 1 }, '0.32.0');
    expect(message).toMatch(/GPUs|spans hosts|HTTP API|Python code/);
  });

  it('that starts servers on other hosts by its value is refused', () => {
    expect(saidOf({ flag: '--distributed-executor-backend', value: 'ray' }, '0.32.0')[0]).toContain(
      'spans hosts',
    );
    expect(saidOf({ flag: '--distributed-executor-backend', value: 'mp' }, '0.32.0')).toEqual([]);
  });

  it('of a release that no one has read passes, unless it looks like a typing error', () => {
    expect(saidOf({ flag: '--wholly-novel-thing', value: 1 }, '0.40.0')).toEqual([]);
    expect(saidOf({ flag: '--wholly-novel-thing' }, '0.40.0')).toEqual([]);
    expect(saidOf({ flag: '--enforce-eagr' }, '0.40.0')).toHaveLength(1);
  });

  it('that takes a list is given one, once', () => {
    const flags = {
      extraArguments: [
        { flag: '--allowed-media-domains', value: ['a.example', 'b.example'] },
        { flag: '--seed', value: 1 },
        { flag: '--allowed-media-domains', value: 'c.example' },
      ],
    };
    const manifest = manifestOf(withModels({ mixtral: model({ flags, vllmVersion: '0.32.0' }) }));
    expect(unitOf(manifest, 'citadel-mixtral.service')).toContain(
      '--allowed-media-domains a.example b.example c.example --seed 1',
    );
  });
});

describe('a property', () => {
  it.each([
    [{ quantization: 'bitsandbytes' }, '0.32.0', 'vLLM 0.13 to 0.27 has it'],
    [{ quantization: 'mxfp8' }, '0.13.0', 'vLLM from 0.19 has it'],
    [{ quantization: 'awk' }, '0.32.0', 'Did you mean "awq"?'],
    [{ flags: { kvCacheDtype: 'nvfp4' } }, '0.13.0', 'vLLM from 0.20 has it'],
    [{ flags: { dtype: 'bfloat61' } }, '0.32.0', 'Did you mean "bfloat16"?'],
    [{ flags: { toolCallParser: 'hermse' } }, '0.32.0', 'Did you mean "hermes"?'],
    [{ flags: { reasoningParser: 'step5' } }, '0.32.0', 'vLLM from 0.33 has it'],
    [{ flags: { maxNumQueuedRequests: 5 } }, '0.28.0', 'vLLM from 0.29 has it'],
    [{ shutdownTimeout: Duration.seconds(5) }, '0.17.1', 'vLLM from 0.18 has it'],
    [{ maxModelLen: 'auto' }, '0.13.0', 'vLLM from 0.14 does'],
  ])('%j is refused for vLLM %s', (props, vllmVersion, part) => {
    expect(said({ ...props, vllmVersion })).toEqual([expect.stringContaining(part)]);
  });

  it('of today’s kinds is taken', () => {
    const flags = {
      kvCacheDtype: 'nvfp4',
      dtype: 'bfloat16',
      toolCallParser: 'hermes',
      reasoningParser: 'qwen3',
      maxNumQueuedRequests: 100,
      sleepMode: true,
      loraModules: { sql: '/opt/citadel/models/sql', code: '/opt/citadel/models/code' },
    };
    const manifest = manifestOf(
      withModels({
        mixtral: model({
          flags,
          vllmVersion: '0.32.0',
          quantization: 'compressed-tensors',
          maxModelLen: '32k',
          servedName: 'chat',
          aliases: ['gpt-4o'],
        }),
      }),
    );
    const unit = unitOf(manifest, 'citadel-mixtral.service');
    for (const part of [
      '--served-model-name chat gpt-4o --gpu-memory-utilization',
      '--max-model-len 32k',
      '--quantization compressed-tensors',
      '--max-num-queued-reqs 100',
      '--kv-cache-dtype nvfp4',
      '--enable-sleep-mode',
      '--enable-lora --lora-modules code=/opt/citadel/models/code sql=/opt/citadel/models/sql',
      '--shutdown-timeout 20',
    ])
      expect(unit).toContain(part);
  });

  it('lets a parser of a plug-in be any', () => {
    const extraArguments = [{ flag: '--tool-parser-plugin', value: '/opt/citadel/configs/parser.py' }];
    expect(said({ vllmVersion: '0.32.0', flags: { toolCallParser: 'ours', extraArguments } })).toEqual([]);
  });

  it('says how long requests get, and systemd waits longer', () => {
    const unit = (props: Partial<ModelProps>) =>
      unitOf(manifestOf(withModels({ mixtral: model(props) })), 'citadel-mixtral.service');
    expect(unit({ vllmVersion: '0.17.1' })).not.toContain('--shutdown-timeout');
    expect(unit({})).not.toContain('--shutdown-timeout');
    expect(unit({ vllmVersion: '0.18.0' })).toMatch(/--shutdown-timeout 20\b[^]*TimeoutStopSec=30s/);
    const long = unit({ vllmVersion: '0.32.0', shutdownTimeout: Duration.seconds(120) });
    expect(long).toMatch(/--shutdown-timeout 120\b[^]*TimeoutStopSec=(130s|2min 10s|2m10s)/);
    expect(unit({ vllmVersion: '0.32.0', shutdownTimeout: Duration.seconds(0) })).toContain(
      '--shutdown-timeout 0',
    );
  });

  it('has the share that the version has by itself', () => {
    const share = (vllmVersion?: string) => {
      const { gpuMemoryUtilization: _share, ...props } = model(
        vllmVersion === undefined ? {} : { vllmVersion },
      );
      const unit = unitOf(manifestOf(withModels({ mixtral: props })), 'citadel-mixtral.service');
      return /--gpu-memory-utilization (\S+)/.exec(unit)?.[1];
    };
    expect([share('0.19.1'), share('0.20.0'), share()]).toEqual(['0.9', '0.92', '0.92']);
  });
});

describe('environment variables', () => {
  it('stand in the unit, and secrets come as credentials', () => {
    const variables = { VLLM_LOGGING_LEVEL: 'DEBUG', OMP_NUM_THREADS: 4, S3_SECRET: secret('store') };
    const manifest = manifestOf(withModels({ mixtral: model({ variables }) }));
    const unit = unitOf(manifest, 'citadel-mixtral.service');
    expect(unit).toContain('Environment="VLLM_LOGGING_LEVEL=DEBUG"');
    expect(unit).toContain('Environment="OMP_NUM_THREADS=4"');
    expect(unit).not.toContain('S3_SECRET=');
    expect(unit).toContain('LoadCredential=env-S3_SECRET:/etc/citadel/credentials/mixtral-env-S3_SECRET');
    expect(unit).toContain('ExecStart=/opt/citadel/scripts/with-credentials -n ');
    expect(manifest.files?.['/etc/citadel/credentials/mixtral-env-S3_SECRET']).toMatchObject({
      secret: 'store',
      mode: '0600',
    });
  });

  it.each([
    ['CUDA_VISIBLE_DEVICES', '0', 'Give it as gpus'],
    ['VLLM_API_KEY', 'x', 'Give it as apiKey'],
    ['HF_TOKEN', 'x', 'Give it as ai.huggingFaceToken'],
    ['LD_PRELOAD', '/x.so', 'other code'],
    ['AWS_SECRET', 'x', 'Name a secret'],
  ])('%s is refused', (name, value, part) => {
    expect(said({ variables: { [name]: value } })).toEqual([expect.stringContaining(part)]);
  });
});

describe('names', () => {
  it.each([
    [{ servedName: 'chat', aliases: ['chat'] }],
    [{ servedName: 'chat', flags: { loraModules: { chat: '/opt/citadel/models/a' } } }],
  ])('of one model are told apart: %j', (props) => {
    const [message = ''] = problemsOf(withModels({ mixtral: model(props) }));
    expect(message).toContain('"chat" names two things of this model');
  });

  it('of two models are told apart, further ones too', () => {
    const models = {
      mixtral: model({ aliases: ['chat'] }),
      phi3: model({ port: 11403, gpus: [1], servedName: 'chat' }),
    };
    expect(problemsOf(withModels(models))).toEqual([
      expect.stringContaining('"chat" is the served name of mixtral as well'),
    ]);
  });
});
