import { describe, expect, it } from 'vitest';
import { openTransport } from '../../../lib/engine/targets/index.js';
import { Bench, locally, none, noSudo, problem, reader } from './support/bench.js';

const bench = new Bench();
const { closers, deps, server, target, user } = bench;

describe('an account that is not root', () => {
  it.skipIf(noSudo !== undefined)(
    'says how to allow sudo where it wants a password (skipped without sudo)',
    async () => {
      const { port } = await server({ onExec: locally(65534) });
      const transport = await openTransport(target(port), deps());
      closers.push(() => transport.close());
      const refused = await problem(transport.read(reader('cat'), Buffer.from('x'), { deadlineSec: 10 }));
      expect(refused.code).toBe('ssh.sudo');
      expect(refused.path).toBe('ai-node');
      expect(refused.got).toBe(
        `agent0@127.0.0.1:${String(port)}: "agent0" cannot become root without a password (sudo: a password is required)`,
      );
      expect(refused.fix).toContain('agent0 ALL=(ALL) NOPASSWD: ALL');
    },
  );

  it.each([
    [1, 'agent0 is not in the sudoers file.'],
    [1, 'sudo: interactive authentication is required'],
    [1, "sudo: I'm sorry agent0. I'm afraid I can't do that"],
    [1, 'sudo: sorry, you must have a tty to run sudo'],
    [1, "Sorry, user agent0 is not allowed to execute '/bin/sh -c x' as root on ai-node."],
    [127, 'env: ‘sudo’: No such file or directory'],
    [127, "env: 'sudo': No such file or directory"],
  ])('knows other refusals: %i %s', async (status, words) => {
    const { port } = await server({
      onExec: (channel) => {
        channel.stderr.write(`${words}\n`);
        channel.exit(status);
        channel.end();
      },
    });
    const transport = await openTransport(target(port), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect(refused.code).toBe('ssh.sudo');
    expect(refused.got).toContain(words);
    expect(refused.fix).toContain(words.includes('tty') ? 'Defaults:agent0 !requiretty' : 'NOPASSWD: ALL');
  });

  it('names a file that sudo reads, and an account as sudo wants it', async () => {
    const { port } = await server({
      onExec: (channel) => {
        channel.stderr.write('sudo: a password is required\n');
        channel.exit(1);
        channel.end();
      },
      user,
      account: 'DOMAIN\\first.last@realm',
    });
    const transport = await openTransport(target(port, { user: 'DOMAIN\\first.last@realm' }), deps());
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect(refused.fix).toContain(
      "printf '%s\\n' 'DOMAIN\\\\first.last\\@realm ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/DOMAIN_first_last_realm",
    );
  });
});
