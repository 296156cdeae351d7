import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openTransport } from '../../../lib/engine/targets/index.js';
import type { FakeServerOptions } from '../../ssh/support/server.js';
import { answerBy, Bench, locally, none, noSudo, problem, reader } from './support/bench.js';

const bench = new Bench();
const { closers, deps, server, target, user } = bench;

const LAST_COUNTS =
  'sudo takes the last line that matches: if it stays refused, look for files there that sort later, and for what /etc/sudoers says after its @includedir';

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
      expect(refused.fix).toContain(
        '"citadel-iac apply", which can give sudo a password (Terraform gives none)',
      );
    },
  );

  it.each([
    [1, 'agent0 is not in the sudoers file.'],
    [1, 'sudo: interactive authentication is required'],
    [1, "sudo: I'm sorry agent0. I'm afraid I can't do that"],
    [1, "Sorry, user agent0 is not allowed to execute '/bin/sh -c x' as root on ai-node."],
    [1, 'Sorry, user agent0 may not run sudo on ai-node.'],
    [1, 'agent0 is not allowed to run sudo on ai-node.'],
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
    expect(refused.fix).toContain('NOPASSWD: ALL');
    const never = /not in the sudoers|not allowed|may not run|I'm sorry/.test(words);
    expect(refused.got.includes('may not become root by sudo, with or without a password')).toBe(never);
  });

  it.each([{}, { sudoPassword: 'ops_sudo' }])(
    'that sudo wants on a terminal is told that, and nothing of passwords: %o',
    async (way) => {
      const words = 'sudo: sorry, you must have a tty to run sudo';
      const { port } = await server({
        onExec: (channel) => {
          channel.stderr.write(`${words}\n`);
          channel.exit(1);
          channel.end();
        },
      });
      const asked: string[] = [];
      const sudoPassword = (name: string): Promise<string> =>
        Promise.resolve('x').finally(() => asked.push(name));
      const secret = (): Promise<string> => Promise.resolve('right');
      const transport = await openTransport(target(port, way), { ...deps(), secret, sudoPassword });
      closers.push(() => transport.close());
      const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
      expect(refused.code).toBe('ssh.sudo');
      expect(refused.got).toContain(
        `sudo lets "agent0" in on a terminal only, which no program here has (${words})`,
      );
      expect(refused.fix).toBe(
        "On the host, as root: echo 'Defaults:agent0 !requiretty' >> /etc/sudoers.d/zz-citadel-agent0 && chmod 0440 /etc/sudoers.d/zz-citadel-agent0, or connect as root; " +
          LAST_COUNTS,
      );
      expect(refused.got + refused.fix).not.toMatch(/password|NOPASSWD/i);
      expect(asked).toEqual([]);
    },
  );

  it('that gives the right password, and may not use sudo, is told that and not that the password is wrong', async () => {
    const words = 'agent0 is not in the sudoers file.  This incident will be reported.';
    const { port } = await server({
      onExec: (channel) => {
        channel.stderr.write(`${words}\n`);
        channel.exit(1);
        channel.end();
      },
    });
    const way = target(port, { sudoPassword: 'ops_sudo' });
    const transport = await openTransport(way, { ...deps(), secret: () => Promise.resolve('right') });
    closers.push(() => transport.close());
    const refused = await problem(transport.read(reader('x'), none, { deadlineSec: 10 }));
    expect(refused.got).toContain(
      `"agent0" may not become root by sudo, with or without a password (${words})`,
    );
    expect(refused.fix).toBe(
      "On the host, as root: echo 'agent0 ALL=(ALL) ALL' >> /etc/sudoers.d/zz-citadel-agent0 && chmod 0440 /etc/sudoers.d/zz-citadel-agent0, or connect as root; " +
        LAST_COUNTS,
    );
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
      "printf '%s\\n' 'DOMAIN\\\\first.last\\@realm ALL=(ALL) NOPASSWD: ALL' >> /etc/sudoers.d/zz-citadel-DOMAIN_first_last_realm",
    );
  });
});

/**
 * What a sudo that wants this password does (and `null`: one that asks nobody): with -A it asks its askpass program up to
 * three times, and closes what it inherited; a wrong or no password is told as sudo does.
 */
const SUDO = `#!/bin/sh
if [ "$1" = -n ]; then
  shift 2
  [ "$WANTED" = null ] && exec "$@"
  echo "sudo: a password is required" >&2
  exit 1
fi
[ "$1 $2" = "-A -p" ] || exit 9
prompt=$3
shift 4
given=null
[ "$WANTED" = null ] || {
  given=$("$SUDO_ASKPASS" "$prompt")
  again=$("$SUDO_ASKPASS" "$prompt")
}
[ "$given" = "$WANTED" ] && [ -z "$again" ] && exec "$@" 3<&-
echo "sudo: no password was provided" >&2
echo "sudo: 1 incorrect password attempt" >&2
exit 1
`;

/** What run0 does whom polkit lets (`null`), and whom it does not. */
const RUN0 = `#!/bin/sh
[ "$1 $2 $3" = "--no-ask-password --description=citadel-observe --" ] || exit 9
shift 3
[ "$WANTED" = null ] && exec "$@"
echo "Failed to start transient service unit: Interactive authentication required." >&2
exit 1
`;

describe('sudo that wants a password', () => {
  const word = ' it\'s $HOME\\"`! ';
  /** Command lines of all processes that the host ran. */
  let lines: string[] = [];
  const withSudo = (wanted: string): NonNullable<FakeServerOptions['onExec']> => {
    const bin = join(bench.scratch.path, 'sudo-bin');
    mkdirSync(bin, { recursive: true });
    writeFileSync(join(bin, 'sudo'), SUDO, { mode: 0o755 });
    writeFileSync(join(bin, 'doas'), '#!/bin/sh\necho "doas: Authentication required" >&2\nexit 1\n', {
      mode: 0o755,
    });
    writeFileSync(join(bin, 'run0'), RUN0, { mode: 0o755 });
    lines = [];
    return (channel, command) => {
      lines.push(command);
      const env = { PATH: `${bin}:${process.env['PATH'] ?? ''}`, WANTED: wanted };
      const child = spawn('/bin/sh', ['-c', command], { cwd: '/', env });
      answerBy(child, channel);
    };
  };
  const program = reader('printf "%s|" "$0" "$#" "$1"; cat; env -u WANTED | grep -c "HOME.\\"" || :');
  const secret = { sudoPassword: 'ops_sudo' };
  const open = async (wanted: string, changes: object, more: object) => {
    const { port } = await server({ onExec: withSudo(wanted) });
    const transport = await openTransport(target(port, changes), { ...deps(), ...more });
    closers.push(() => transport.close());
    return transport;
  };

  it.each([
    ['asks', word],
    ['does not', 'null'],
  ])('gets it from a secret, over standard input, where it %s', async (_, wanted) => {
    const transport = await open(wanted, secret, { secret: () => Promise.resolve(Buffer.from(word)) });
    for (const each of [transport, await transport.reconnect()]) {
      const { stdout } = await each.read(program, Buffer.from('data\n'), { deadlineSec: 20 });
      expect(stdout.toString()).toBe('citadel-observe|1||data\n0\n');
      if (each !== transport) await each.close();
    }
    expect(lines).toHaveLength(2);
    const root = await open('null', { ...secret, become: 'none' }, { secret: () => Promise.resolve(word) });
    expect((await root.read(reader('id -u'), none, { deadlineSec: 20 })).stdout.toString()).toMatch(
      /^\d+\n$/,
    );
    expect(lines[0]).not.toContain('citadel-sudo');
    expect(lines.join('\n')).not.toContain('HOME');
  });

  it('gets it from a person, who is asked for what sudo refused first', async () => {
    const asked: string[] = [];
    const sudoPassword = (user: string): Promise<string> =>
      Promise.resolve(word).finally(() => asked.push(user));
    const transport = await open(word, {}, { sudoPassword });
    const { stdout } = await transport.read(program, Buffer.from('data\n'), { deadlineSec: 20 });
    expect(stdout.toString()).toBe('citadel-observe|1||data\n0\n');
    expect(asked.slice(0, 1)).toEqual(['agent0']);
    expect(lines[0]).toContain('sudo -n');
  });

  it('is told a wrong one once, and nothing runs', async () => {
    const transport = await open(word, secret, { secret: () => Promise.resolve('wrong') });
    const refused = await problem(transport.read(program, none, { deadlineSec: 20 }));
    expect(refused.got).toContain(
      'sudo did not take the password of "agent0" (sudo: 1 incorrect password attempt)',
    );
    const two = await open(word, secret, { secret: () => Promise.resolve('two\nlines') });
    expect((await problem(two.read(program, none, { deadlineSec: 20 }))).got).toBe(
      'the secret ops_sudo, which sudoPassword names, holds more than one line',
    );
  });

  it('may be doas, which must not ask, or nothing', async () => {
    const doas = await open(word, { become: 'doas' }, {});
    const refused = await problem(doas.read(program, none, { deadlineSec: 20 }));
    expect([refused.code, refused.got.includes('(doas: Authentication required)')]).toEqual([
      'ssh.sudo',
      true,
    ]);
    expect(refused.fix).toContain("echo 'permit nopass agent0 as root' >> /etc/doas.conf");
    const itself = await open(word, { become: 'none' }, {});
    const { stdout } = await itself.read(program, none, { deadlineSec: 20 });
    expect(stdout.toString()).toBe('citadel-observe|1||0\n');
  });

  it('may be run0, where polkit asks nothing', async () => {
    const allowed = await open('null', { become: 'run0' }, {});
    const { stdout } = await allowed.read(program, Buffer.from('data\n'), { deadlineSec: 20 });
    expect(stdout.toString()).toBe('citadel-observe|1||data\n0\n');
    const asked = await open(word, { become: 'run0' }, {});
    const refused = await problem(asked.read(program, none, { deadlineSec: 20 }));
    expect(refused.code).toBe('ssh.sudo');
    expect(refused.got).toContain(
      '"agent0" cannot become root by run0 (Failed to start transient service unit: Interactive authentication required.)',
    );
    expect(refused.fix).toContain(
      `printf '%s\\n' 'polkit.addRule(function (action, subject) { if (action.id == "org.freedesktop.systemd1.manage-units" && ` +
        'subject.user == "agent0") return polkit.Result.YES; });\' > /etc/polkit-1/rules.d/00-citadel-iac-agent0.rules',
    );
  });
});
