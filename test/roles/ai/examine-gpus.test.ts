import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { examineGpus, judgeGpus } from '../../../lib/roles/ai/driver/examine-gpus.js';
import type { AiInventory } from '../../../lib/roles/ai/schema/ai.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { tool } from '../../stacks/tools.js';

const UUID = 'GPU-d0b1e000-0000-4000-8000-000000000000';
const OTHER = 'GPU-d0b1e000-0000-4000-8000-000000000001';

type Gpu = AiInventory['gpus'][number];
const node = (gpus: readonly Gpu[], driver?: string) =>
  ({ gpus, ...(driver === undefined ? {} : { driver: { from: 'nvidia', version: driver } }) }) as AiInventory;
/** A line of nvidia-smi, of a card with 80 GiB. */
const card = (over: Partial<Record<'index' | 'uuid' | 'memory' | 'ecc' | 'mig' | 'width', string>> = {}) =>
  `gpu\t${over.index ?? '0'}, ${over.uuid ?? UUID}, NVIDIA H100 80GB HBM3, ${over.memory ?? '81559'}, 580.95.05, ${over.ecc ?? 'Enabled'}, ${over.mig ?? 'Disabled'}, ${over.width ?? '16'}, 16\n`;
const says = (ai: AiInventory, output: string) =>
  judgeGpus(ai, output).map(({ name, status, found }) => `${status} ${name}: ${found}`);

describe('the GPUs of a host against what is declared', () => {
  it('are well where they are those', () => {
    const gpu = { memoryGiB: 80, uuid: UUID, ecc: true, pcieWidth: 16 } as const;
    expect(says(node([gpu], '580.*'), card())).toEqual(['ok GPUs: 1, as declared, driver 580.95.05']);
    expect(says(node([gpu], '580.95.05-1'), card())).toEqual(['ok GPUs: 1, as declared, driver 580.95.05']);
  });

  it('are taken in the order of their numbers, more than ten as well', () => {
    const many = Array.from({ length: 12 }, (_, index) => card({ index: String(index), memory: index === 10 ? '40960' : '81559' })); // prettier-ignore
    expect(
      says(node(Array.from({ length: 12 }, () => ({ memoryGiB: 80 }))), many.reverse().join('')),
    ).toEqual(['failed GPU 10: NVIDIA H100 80GB HBM3 has 40.0 GiB of memory, and 80 are declared']);
  });

  it.each<[string, readonly Gpu[], string, string]>([
    [
      'too few',
      [{ memoryGiB: 80 }, { memoryGiB: 80 }],
      card(),
      'failed GPUs: the driver shows 1, and 2 are declared',
    ],
    [
      'too much memory',
      [{ memoryGiB: 94 }],
      card(),
      'failed GPU 0: NVIDIA H100 80GB HBM3 has 79.6 GiB of memory, and 94 are declared',
    ],
    [
      'another card',
      [{ memoryGiB: 80, uuid: OTHER }],
      card(),
      `failed GPU 0: it is ${UUID}, and ${OTHER} is declared`,
    ],
    ['no ECC', [{ memoryGiB: 80, ecc: true }], card({ ecc: 'Disabled' }), 'warning GPU 0: ECC is disabled'],
    [
      'MIG',
      [{ memoryGiB: 80 }],
      card({ mig: 'Enabled' }),
      'failed GPU 0: it is divided (MIG), and models are given whole GPUs',
    ],
    [
      'half its lanes',
      [{ memoryGiB: 80 }],
      card({ width: '8' }),
      'warning GPU 0: it uses 8 lanes of PCIe of 16',
    ],
  ])('are said: %s', (_, gpus, output, text) => {
    expect(says(node(gpus), output)).toEqual([text]);
  });

  it('are said where the driver is another, does not answer, or waits for a reboot', () => {
    const ai = node([{ memoryGiB: 80 }], '590.*');
    expect(says(ai, card())).toEqual(['warning GPU 0: driver 580.95.05 is loaded, and 590.* is declared']);
    expect(says(ai, 'failed\tFailed to initialize NVML: Driver/library version mismatch\n')).toEqual([
      'failed GPU driver: nvidia-smi fails: Failed to initialize NVML: Driver/library version mismatch',
    ]);
    expect(says(ai, 'failed\tno\nwaits\tnouveau holds the GPUs: reboot\nsecure-boot\t1\n')).toEqual([
      'failed GPU driver: nouveau holds the GPUs: reboot',
      'warning Secure Boot: on: only modules that are signed with an enrolled key are loaded',
    ]);
  });

  it('may not tell: a card without ECC, MIG and a known link is no worse for it', () => {
    const output = card({ ecc: '[N/A]', mig: '[N/A]', width: '[N/A]' });
    expect(says(node([{ memoryGiB: 80, ecc: true }]), output)).toEqual([
      'ok GPUs: 1, as declared, driver 580.95.05',
    ]);
  });
});

it('the script hands over nvidia-smi’s lines, or its error message in one line', () => {
  const script = examineGpus({ ai: node([]) } as never)?.script ?? '';
  const run = (smi: string) => {
    const root = scratch();
    writeTree(root, {
      script: script.replace('PATH=/usr', `PATH=${root}:/usr`),
      'nvidia-smi': `#!/bin/sh\n${smi}\n`,
    });
    chmodSync(join(root, 'nvidia-smi'), 0o755);
    return tool('sh', [join(root, 'script')]).output.replace(/^secure-boot\t.*\n/gm, '');
  };
  expect(run("printf '0, a\\n1, b\\n'")).toBe('gpu\t0, a\ngpu\t1, b\n');
  expect(run("printf 'Failed:\\nno\\n' >&2; exit 18")).toBe('failed\tFailed: no\n');
});
