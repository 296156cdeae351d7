import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadTemplate } from '../../lib/render/index.js';
import { scratch, writeTree } from './scratch.js';
import { hasTool, tool } from './tools.js';

const SCRIPT = loadTemplate('ai-node/opt/citadel/scripts/wait-for-health').text;

/** Runs the script with a `curl` that answers at the `nth` call (0: never) and a `sleep` that takes no time. */
function wait(nth: number, seconds: number, mainPid?: number, root = scratch(), curlSec = 0) {
  const count = join(root, 'count');
  writeTree(root, {
    run: SCRIPT,
    count: '',
    'bin/curl': `#!/bin/sh\nprintf '%s\\n' "$*" >> '${count}'\n/bin/sleep ${curlSec}\n[ "$(wc -l < '${count}')" -eq ${nth} ]\n`,
    'bin/sleep': '#!/bin/sh\n',
  });
  for (const name of ['curl', 'sleep']) chmodSync(join(root, 'bin', name), 0o755);
  return tool('sh', [join(root, 'run'), 'http://192.168.10.35:11403/health', String(seconds)], {
    env: {
      PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`,
      ...(mainPid === undefined ? {} : { MAINPID: String(mainPid) }),
    },
  });
}

describe('the script that waits for a model', () => {
  it('ends well as soon as the service answers', () => {
    expect(wait(1, 0)).toEqual({ status: 0, output: '' });
    expect(wait(4, 10, process.pid)).toEqual({ status: 0, output: '' });
  });

  it('gives up after the seconds it was given', () => {
    const { status, output } = wait(0, 1);
    expect(status).toBe(1);
    expect(output).toContain('did not answer within 1 seconds');
  });

  it('counts the seconds that a silent server takes as well', () => {
    const root = scratch();
    const { status, output } = wait(0, 3, undefined, root, 2);
    expect(status).toBe(1);
    expect(output).toContain('did not answer within 3 seconds');
    // Two take longer than that; the third may begin just before the end.
    expect(readFileSync(join(root, 'count'), 'utf8').trim().split('\n').length).toBeLessThanOrEqual(3);
  });

  it('gives up at once when the main process is gone', () => {
    // Linux counts process ids up to 2^22 at most, so this one is no one's.
    const { status, output } = wait(0, 600, 2 ** 22 + 1);
    expect(status).toBe(1);
    expect(output).toContain('the service ended before');
  });

  /** Skipped where shellcheck is missing. */
  it.skipIf(!hasTool('shellcheck'))('is clean to shellcheck', () => {
    const directory = scratch();
    writeTree(directory, { run: SCRIPT });
    expect(tool('shellcheck', [join(directory, 'run')])).toEqual({ status: 0, output: '' });
  });
});
