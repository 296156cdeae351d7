import { expect, it } from 'vitest';
import type { Inventory } from '../../../lib/inventory/index.js';
import { judgeVllm } from '../../../lib/roles/ai/doctor.js';

it.each([
  ['0.13.0', 'ok'],
  ['0.33.9', 'ok'],
  ['0.34.0', 'warning'],
  ['1.0.0', 'warning'],
])('doctor says of a pinned vLLM %s: %s', (version, status) => {
  const inventory = {
    hosts: { node: { ai: { vllm: { requirements: 'r.txt' } } } },
    texts: { 'r.txt': `vllm==${version} --hash=sha256:00` },
  } as unknown as Inventory;
  expect(judgeVllm(inventory)).toEqual([expect.objectContaining({ status })]);
});
