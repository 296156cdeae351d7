import { spawn } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { openTransport } from '../../../lib/engine/targets/index.js';
import type { FakeServerOptions } from '../../ssh/support/server.js';
import { answerBy, Bench, can, none, problem, reader } from './support/bench.js';

const bench = new Bench();
const { closers, deps, server, target } = bench;

/** Runs commands as sshd does for an account with this login shell. */
const byShell =
  (...shell: readonly [string, ...string[]]): NonNullable<FakeServerOptions['onExec']> =>
  (channel, command) => {
    const [program, ...words] = shell;
    const child = spawn(program, [...words, '-c', command], { cwd: '/' });
    answerBy(child, channel);
  };

describe('a login shell that runs no commands', () => {
  const refusal = async (onExec: NonNullable<FakeServerOptions['onExec']>) => {
    const { port } = await server({ onExec });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    return { port, ...(await problem(transport.read(reader('cat'), none, { deadlineSec: 30 }))) };
  };

  const SHELLS: readonly (readonly [string, string])[] = [
    ['/bin/false', 'ended with status 1 and said nothing, as /bin/false does'],
    ['/bin/true', 'ended with status 0 and said nothing, as /bin/true does'],
    ['python3', 'took the command for something else (SyntaxError: '],
    ['perl', "took the command for something else (Can't open perl script "],
    ['git-shell', 'took the command for something else (fatal: unrecognized command '],
  ];
  for (const [shell, words] of SHELLS) {
    it.skipIf(!can(`command -v ${shell}`))(
      `is told as such: ${shell} (skipped where it is not there)`,
      async () => {
        const { code, got, fix, port } = await refusal(byShell(shell));
        expect(code).toBe('ssh.shell');
        expect(got).toContain(`the login shell of "agent0" does not run commands: it ${words}`);
        expect(fix).toContain('usermod --shell /bin/bash agent0');
        expect(fix).toMatch(
          new RegExp(
            `Try it by hand: ssh -F none (-i \\S+ -o IdentitiesOnly=yes )?-p ${String(port)} agent0@127\\.0\\.0\\.1 echo reached`,
          ),
        );
      },
    );
  }

  it('is not blamed for /etc/nologin', async () => {
    const { got } = await refusal((channel) => {
      channel.stderr.write('Back at noon\n');
      channel.exit(254);
      channel.end();
    });
    expect(got).toContain(
      'sshd lets only root in now, because the host has /etc/nologin (it says "Back at noon")',
    );
  });
});
