import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Host, RunOnce } from '../../../lib/constructs/index.js';
import { problemsOf } from '../host/support.js';
import { tool } from '../../stacks/tools.js';
import { contentOf } from './support.js';

describe('RunOnce', () => {
  const once = (props: object) => (host: Host) =>
    new RunOnce(host, 'x', { command: ['true'], creates: '/a', leaves: 'the file /a', ...props });

  it('is a job that says in the plan what it leaves', () => {
    const content = contentOf(
      '/etc/systemd/system/citadel-once-x.service',
      once({ user: 'daemon', after: ['a.service'] }),
    );
    expect(content).toContain('Description=Once: true. Not undone: the file /a\n');
    expect(content).toContain('After=a.service\nWants=a.service\n');
    expect(content).toContain('User=daemon\n');
    expect(content.replaceAll(/ \\\n +/g, ' ')).toContain(' once 3 test -e /a true\n');
  });

  it.each<[object, string]>([
    [{ creates: undefined }, 'nothing says when its work is done'],
    [{ unless: ['true'] }, 'both unless and creates are given'],
    [{ leaves: '' }, 'is not what stays on the host'],
  ])('is refused: %j', (props, text) => {
    expect(problemsOf(once(props)).join('\n')).toContain(text);
  });

  it('asks, runs with its words as they are, and asks again', () => {
    const folder = mkdtempSync(join(tmpdir(), 'citadel-once-'));
    // What systemd makes of the line is tried on a lab host; here the words go to the shell as they are.
    const script = /-c "((?:[^"\\]|\\.)*)"/.exec(
      contentOf('/etc/systemd/system/citadel-once-x.service', once({})),
    )?.[1];
    expect(script).toBeDefined();
    const text = (script ?? '')
      .replaceAll(/\\(["\\])/g, '$1')
      .replaceAll('$$', '$')
      .replaceAll('%%', '%');
    const run = (question: string[], command: string[]) =>
      tool('/bin/sh', ['-c', text, 'once', String(question.length), ...question, ...command]);
    const asked = ['test', '-e', `${folder}/a b`];
    expect(run(asked, ['true'])).toMatchObject({
      status: 1,
      output: expect.stringContaining('its work is not done') as string,
    });
    expect(
      run(asked, ['/bin/sh', '-c', 'echo "$1" >"$2"; exit 7', 'x', '$(id) *', `${folder}/c`]).status,
    ).toBe(7);
    expect(tool('cat', [`${folder}/c`]).output).toBe('$(id) *\n');
    expect(run(asked, ['touch', `${folder}/a b`])).toEqual({ status: 0, output: '' });
    expect(run(asked, ['false'])).toEqual({ status: 0, output: 'nothing to do: it is so already\n' });
  });
});
