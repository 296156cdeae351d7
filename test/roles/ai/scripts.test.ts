import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate } from '../../../lib/render/index.js';
import { scratch, writeTree } from '../../stacks/scratch.js';
import { hasTool, tool } from '../../stacks/tools.js';

const textOf = (name: string) => loadTemplate(`ai-node/opt/citadel/scripts/${name}`).text;

/** Seconds that the script would sleep at its next start, when `starts` holds `state` and the clock says `now`. */
function backOff(state: string | undefined, now = 1000): { slept: string; kept: string; status: number } {
  const root = scratch();
  writeTree(root, {
    run: textOf('back-off'),
    'bin/sleep': `#!/bin/sh\nprintf %s "$1" > '${root}/slept'\n`,
    'bin/date': `#!/bin/sh\necho ${now}\n`,
  });
  for (const name of ['sleep', 'date']) chmodSync(join(root, 'bin', name), 0o755);
  if (state !== undefined) writeFileSync(join(root, 'starts'), state);
  const env = { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`, RUNTIME_DIRECTORY: root };
  const { status } = tool('sh', [join(root, 'run')], { env });
  const slept = existsSync(join(root, 'slept')) ? readFileSync(join(root, 'slept'), 'utf8') : '';
  return { slept, kept: readFileSync(join(root, 'starts'), 'utf8'), status };
}

describe('the script that waits after failures', () => {
  it('lets a first start and a first restart go', () => {
    expect(backOff(undefined)).toEqual({ slept: '', kept: '1 1000\n', status: 0 });
    expect(backOff('1 990\n')).toEqual({ slept: '', kept: '2 1000\n', status: 0 });
  });

  it('waits twice as long each time, and five minutes at most', () => {
    const waits = [2, 3, 4, 5, 6, 7, 8, 9, 500].map((count) => backOff(`${count} 990\n`).slept);
    expect(waits).toEqual(['5', '10', '20', '40', '80', '160', '300', '300', '300']);
  });

  it('begins again ten minutes after the last start', () => {
    expect(backOff('7 399\n')).toEqual({ slept: '', kept: '1 1000\n', status: 0 });
  });

  it('is not troubled by a file that was cut short', () => {
    for (const state of ['', '7', '7 ', 'x y\n'])
      expect(backOff(state)).toMatchObject({ slept: '', status: 0 });
  });
});

describe('the gate of a model whose weights are fetched', () => {
  /** `systemctl show` says `state`; curl ends with `answers`. */
  function gate(state: string, answers: number) {
    const root = scratch();
    writeTree(root, {
      run: textOf('model-gate'),
      'bin/systemctl': `#!/bin/sh\nprintf '${state}'\n`,
      'bin/curl': `#!/bin/sh\necho "curl $*"\nexit ${answers}\n`,
    });
    for (const name of ['systemctl', 'curl']) chmodSync(join(root, 'bin', name), 0o755);
    const env = { PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}` };
    return tool('sh', [join(root, 'run'), 'citadel-phi3.service', 'http://127.0.0.1:11403/health'], { env });
  }

  it('holds while they are on their way, and says where to look', () => {
    expect(gate('ActiveState=inactive\\nConditionResult=no\\n', 7)).toEqual({
      status: 0,
      output: 'citadel-phi3.service waits for its weights: systemctl status citadel-weights-phi3.service\n',
    });
  });

  it.each(['ActiveState=active\\nConditionResult=yes\\n', 'ActiveState=inactive\\nConditionResult=yes\\n'])(
    'is the model’s answer otherwise: %s',
    (state) => {
      expect(gate(state, 0)).toMatchObject({
        status: 0,
        output: expect.stringContaining('11403/health') as string,
      });
      expect(gate(state, 22)).toMatchObject({ status: 22 });
    },
  );
});

describe('the script that hands the key over', () => {
  function run(key: string | undefined) {
    const root = scratch();
    writeTree(root, { run: textOf('with-credentials'), ...(key === undefined ? {} : { 'api-key': key }) });
    const command = ['sh', '-c', 'printf "%s|%s" "$VLLM_API_KEY" "$1"', 'x', 'an argument'];
    return tool('sh', [join(root, 'run'), ...command], { env: { CREDENTIALS_DIRECTORY: root } });
  }

  it('becomes the program, with the key in its environment and its arguments as they were', () => {
    expect(run('a "key" $x\n')).toEqual({ status: 0, output: 'a "key" $x|an argument' });
  });

  it('starts nothing without a key', () => {
    expect(run('\n')).toMatchObject({ status: 1 });
    expect(run('').output).toContain('the API key is empty');
    expect(run(undefined).status).not.toBe(0);
  });

  it('hands other secrets over under their names, and needs no key where there is none', () => {
    const root = scratch();
    const files = { 'env-S3_SECRET': 'a "secret" $x\n', 'hugging-face-token': 'hf' };
    writeTree(root, { run: textOf('with-credentials'), ...files });
    const command = ['sh', '-c', 'printf "%s|%s" "$S3_SECRET" "${VLLM_API_KEY-none}"'];
    expect(
      tool('sh', [join(root, 'run'), '-n', ...command], { env: { CREDENTIALS_DIRECTORY: root } }),
    ).toEqual({
      status: 0,
      output: 'a "secret" $x|none',
    });
  });
});

/** Skipped where shellcheck is missing. */
it.skipIf(!hasTool('shellcheck')).each(['back-off', 'with-credentials'])(
  '%s is clean to shellcheck',
  (name) => {
    const root = scratch();
    writeTree(root, { run: textOf(name) });
    expect(tool('shellcheck', [join(root, 'run')])).toEqual({ status: 0, output: '' });
  },
);
