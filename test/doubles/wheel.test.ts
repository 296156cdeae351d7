import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { hasTool, tool } from '../stacks/tools.js';
import { requirementsText, vllmWheel } from './wheel.js';

const source = readFileSync(join(import.meta.dirname, 'vllm'), 'utf8');
const folder = mkdtempSync(join(tmpdir(), 'citadel-wheel-'));

afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the wheel of the vLLM double', () => {
  it('is the one that the committed requirements file names', () => {
    const committed = readFileSync(join(import.meta.dirname, 'vllm-requirements.txt'), 'utf8');
    expect(committed, 'write it again: npx tsx test/doubles/write-requirements.ts').toBe(
      requirementsText(vllmWheel(source)),
    );
  });

  it('is the same bytes every time, and others for another source', () => {
    expect(vllmWheel(source).bytes.equals(vllmWheel(source).bytes)).toBe(true);
    expect(vllmWheel(`${source}\n`).requirement).not.toBe(vllmWheel(source).requirement);
  });

  it('says first what it is', () => {
    const [first] = requirementsText(vllmWheel(source)).split('\n');
    expect(first).toMatch(/^# This is a double/);
    expect(vllmWheel(source).bytes.toString('latin1')).toContain('vllm/__init__.py# This is a double');
  });

  it.skipIf(!hasTool('python3'))(
    'is a whole zip file that Python imports from (skipped without python3)',
    () => {
      const wheel = vllmWheel(source);
      const path = join(folder, wheel.fileName);
      writeFileSync(path, wheel.bytes);
      expect(tool('python3', ['-m', 'zipfile', '-t', path])).toMatchObject({ status: 0 });
      const run = tool('python3', ['-m', 'vllm.entrypoints.openai.api_server', '--version'], {
        env: { PYTHONPATH: path },
      });
      expect(run).toEqual({ status: 0, output: `${wheel.fileName.split('-')[1] ?? ''}\n` });
    },
  );
});
